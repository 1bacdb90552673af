import { z } from 'zod';

/** Clockwise degrees. */
export const quarterTurn = z.literal([0, 90, 180, 270]);
export type QuarterTurn = z.output<typeof quarterTurn>;

const mirrored = z.union([z.boolean(), z.literal('cannot_tell')]);
export type Mirrored = z.output<typeof mirrored>;

/** Which way up a picture is, as the network sees it or a person says. This file imports nothing else, since the review page has it too. */
export const orientation = z.union([
  z.object({
    turned: quarterTurn.describe(
      'By how many degrees the picture must be turned clockwise to be upright; 0: it is upright.',
    ),
    score: z.number().min(0).max(1).describe('Softmax, no probability; 1 where a person says it.'),
    mirrored: mirrored
      .optional()
      .describe(
        'Of a frontal chest, once it is upright: whether it is mirrored, or the organs are (situs inversus), which looks the same; absent for other categories, unless a person says it.',
      ),
    person: z
      .object({ who: z.string(), when: z.string() })
      .optional()
      .describe('Who has said it, and when, where a person has.'),
  }),
  z
    .literal('cannot_tell')
    .describe('The category has no canonical orientation, or the network is not sure of it.'),
]);
export type Orientation = z.output<typeof orientation>;
