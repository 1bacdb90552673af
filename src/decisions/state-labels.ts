/** Labels that are states, without a site's prefix. This file imports nothing, since the review page has it too. */
export const stateLabels = {
  needsReview: 'needs_review',
  unknownView: 'unknown_view',
  failed: 'classification_failed',
  orderMismatch: 'order_mismatch',
  /** On studies alone. */
  categoryProposed: 'category_proposed',
} as const;
