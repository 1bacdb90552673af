import { z } from 'zod';

/** The side that a marker on the film names: a letter, as people read it. This file imports nothing else, since the review page has it too. */
export const side = z.union([
  z.object({
    marked: z
      .enum(['R', 'L'])
      .describe("The patient's right or left, which the only marker on the film names."),
    score: z.number().min(0).max(1).describe('Softmax, no probability.'),
  }),
  z
    .literal('none')
    .describe(
      'No marker that can be read with certainty, or markers of both sides, as where the film is mirrored.',
    ),
]);
export type Side = z.output<typeof side>;
