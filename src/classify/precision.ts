/** Numbers with which the convolutions of a frozen graph are computed. */
export const precisions = ['float32', 'int8'] as const;
export type Precision = (typeof precisions)[number];
