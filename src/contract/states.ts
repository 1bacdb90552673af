import { stateLabels } from '../decisions/state-labels.js';

const { needsReview, unknownView, orderMismatch, categoryProposed, failed, settled } = stateLabels;

/** What no person has settled yet: labels, without the site's prefix, in the order of the tabs. */
export const openStates = [needsReview, unknownView, orderMismatch, categoryProposed, failed] as const;
export type LabelledState = (typeof openStates)[number] | typeof settled;

export const worklistStates = [...openStates, settled, 'recent'] as const;
export type WorklistState = (typeof worklistStates)[number];

/** What people have said of a decision, as the list of what they have settled can be narrowed. */
export const settledWords = [
  'confirmed',
  'corrected',
  'none_of_these',
  'order_wrong',
  'category_wrong',
  'no_matter',
] as const;
/** What was open before. `category`: nothing was. */
export const formerStates = [needsReview, unknownView, orderMismatch, failed, 'category'] as const;

/** The level of the resources that are listed and counted by the label of a state. */
export const levelOf = (state: LabelledState): 'Instance' | 'Study' =>
  state === categoryProposed ? 'Study' : 'Instance';
