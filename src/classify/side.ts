import { z } from 'zod';

/** The side that the marker on a film names, as people read it. */
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
