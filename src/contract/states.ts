import { stateLabels } from '../decisions/state-labels.js';

const { needsReview, unknownView, orderMismatch, failed } = stateLabels;

/** The states of the worklist that are labels, without the site's prefix, in the order of the tabs. */
export const labelledStates = [needsReview, unknownView, orderMismatch, failed] as const;
export type LabelledState = (typeof labelledStates)[number];

export const worklistStates = [...labelledStates, 'recent'] as const;
export type WorklistState = (typeof worklistStates)[number];
