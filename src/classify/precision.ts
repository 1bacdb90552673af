import { z } from 'zod';

/** Numbers with which the convolutions of a frozen graph are computed. This file imports nothing of ours: records have it too. */
export const precision = z.enum(['float32', 'int8']);
export type Precision = z.infer<typeof precision>;
