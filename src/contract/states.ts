import { stateLabels } from '../decisions/state-labels.js';

const { needsReview, unknownView, orderMismatch, categoryProposed, failed } = stateLabels;

/** The states of the worklist that are labels, without the site's prefix, in the order of the tabs. */
export const labelledStates = [needsReview, unknownView, orderMismatch, categoryProposed, failed] as const;
export type LabelledState = (typeof labelledStates)[number];

export const worklistStates = [...labelledStates, 'recent'] as const;
export type WorklistState = (typeof worklistStates)[number];

/** The level of the resources that are listed and counted by the label of a state. */
export const levelOf = (state: LabelledState): 'Instance' | 'Study' =>
  state === categoryProposed ? 'Study' : 'Instance';
