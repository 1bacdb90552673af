import { stateLabels } from '../decisions/state-labels.js';

/** The states of the worklist that are labels, without a site's prefix. */
export const labelledStates = Object.values(stateLabels);
export type LabelledState = (typeof labelledStates)[number];

export const worklistStates = [...labelledStates, 'recent'] as const;
export type WorklistState = (typeof worklistStates)[number];
