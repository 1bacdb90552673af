/** The states of the worklist that are labels, without a site's prefix. Imports nothing: the page bundles this file. */
export const labelledStates = [
  'needs_review',
  'unknown_view',
  'order_mismatch',
  'classification_failed',
] as const;
export type LabelledState = (typeof labelledStates)[number];

export const worklistStates = [...labelledStates, 'recent'] as const;
export type WorklistState = (typeof worklistStates)[number];
