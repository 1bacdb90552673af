import { z } from 'zod';
import { category } from './named.js';
import { openStates } from './states.js';

/** Pictures of one category that nobody has looked at, for many confirmations at once. */
export const grid = z.object({
  category: category.optional().describe('That of the pictures; absent where there is none to confirm.'),
  pictures: z
    .array(
      z.object({
        instance: z.string(),
        of: z.string().describe('`when` of the decision.'),
        picture: z.string().describe('Changes when another file replaces the picture.'),
        score: z.number().describe('That of the category.'),
        differs: z.boolean().describe('Whether the decision differs from the order.'),
      }),
    )
    .describe('The most doubtful first.'),
  categories: z
    .array(z.object({ category, count: z.number() }))
    .describe('What there is to confirm among those read, the most frequent first.'),
  next: z.number().optional().describe('`since` of what was not read; absent at the end.'),
});
export type Grid = z.output<typeof grid>;

/** What became of each picture, in the order of the request. */
export const confirmationResults = z.object({
  results: z.array(
    z.object({
      instance: z.string(),
      outcome: z.enum(['done', 'refused']),
      open: z
        .array(z.enum(openStates))
        .optional()
        .describe('Where done: what no person has settled of it, such as a difference from the order.'),
      problem: z
        .object({
          code: z.string(),
          title: z.string(),
          params: z.record(z.string(), z.unknown()).optional(),
        })
        .optional()
        .describe(
          'Where refused: why, as in a problem of the API. Nothing was written, unless a part of Plainview or Orthanc was away.',
        ),
    }),
  ),
});
export type ConfirmationResults = z.output<typeof confirmationResults>;
