/** Labels that are states, without a site's prefix. All but the last two say what a person has yet to settle. This file imports nothing, since the review page has it too. */
export const stateLabels = {
  needsReview: 'needs_review',
  unknownView: 'unknown_view',
  failed: 'classification_failed',
  orderMismatch: 'order_mismatch',
  /** On studies alone. */
  categoryProposed: 'category_proposed',
  /** A person has settled all that was open on the instance. */
  settled: 'settled_by_person',
  /** Where PLAINVIEW_ORIENTATION asks for it. */
  notUpright: 'not_upright',
} as const;
