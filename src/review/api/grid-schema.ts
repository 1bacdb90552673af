import * as z from 'zod/mini';
import type * as served from '../../contract/confirmations.js';
import { problem as problemOfApi } from './schema.js';

/** As in `schema.ts`: what the page reads of what the service declares. */
type Read<_Served extends Ours, Ours> = Ours;

export const gridStates = ['needs_review', 'category'] as const;
export type GridState = (typeof gridStates)[number];

export const grid = z.object({
  category: z.optional(z.string()),
  pictures: z.array(
    z.object({
      instance: z.string(),
      of: z.string(),
      picture: z.string(),
      score: z.number(),
      differs: z.boolean(),
    }),
  ),
  categories: z.array(z.object({ category: z.string(), count: z.number() })),
  next: z.optional(z.number()),
});
export type Grid = Read<served.Grid, z.output<typeof grid>>;

/** `status` is that of the whole answer. */
const problem = z.omit(problemOfApi, { status: true });

export const confirmationResults = z.object({
  results: z.array(
    z.object({
      instance: z.string(),
      outcome: z.enum(['done', 'refused']),
      open: z.optional(z.array(z.string())),
      problem: z.optional(problem),
    }),
  ),
});
export type ConfirmationResults = Read<served.ConfirmationResults, z.output<typeof confirmationResults>>;
