/** Labels that are states, without a site's prefix, in the order in which people see them. Imports nothing: the page has it. */
export const stateLabels = {
  needsReview: 'needs_review',
  unknownView: 'unknown_view',
  orderMismatch: 'order_mismatch',
  failed: 'classification_failed',
} as const;
