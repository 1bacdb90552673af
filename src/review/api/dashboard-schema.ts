import * as z from 'zod/mini';
import type { DriftAnswer } from '../../contract/drift.js';
import { failure } from './reason-schema.js';

/** As in `schema.ts`: what the page reads of what the service declares. */
type Read<_Served extends Ours, Ours> = Ours;

/** A request for reclassification and its progress. */
export const reclassificationJob = z.object({
  id: z.string(),
  who: z.string(),
  when: z.string(),
  selection: z.record(z.string(), z.unknown()),
  includingCorrected: z.boolean(),
  state: z.enum(['running', 'done', 'cancelled', 'failed']),
  dryRun: z.boolean(),
  asked: z.number(),
  /** Left alone: a person corrected them. */
  corrected: z.number(),
  /** Left alone: another version of Plainview wrote their record. */
  otherVersion: z.number(),
  answered: z.number(),
  rate: z.number(),
  problem: z.optional(z.string()),
  failure: z.optional(failure),
});
export type ReclassificationJob = z.output<typeof reclassificationJob>;

export const drift = z.object({
  changes: z.array(
    z.object({
      station: z.string(),
      category: z.optional(z.string()),
      signal: z.enum(['unsure', 'unknown', 'scores', 'corrected']),
      when: z.string(),
      before: z.number(),
      now: z.number(),
      examples: z.array(z.string()),
    }),
  ),
});
export type DriftChange = Read<DriftAnswer, z.output<typeof drift>>['changes'][number];
