import { z } from 'zod';
import { selection } from './selection.js';

/** A request for many instances. The service keeps it in the state folder until it has been asked of every instance. */
export const reclassificationRequest = z.object({
  id: z.uuid(),
  who: z.string(),
  /** ISO 8601, UTC. */
  when: z.string(),
  selection,
  includingCorrected: z.boolean(),
});
export type ReclassificationRequest = z.output<typeof reclassificationRequest>;

export const reclassificationProgress = reclassificationRequest.extend({
  state: z.enum(['running', 'done', 'cancelled', 'failed']),
  dryRun: z.boolean(),
  asked: z.number().describe('Instances asked for so far; of a dry run: that would be.'),
  answered: z.number().describe('Those that have been looked at since.'),
  rate: z.number().describe('Answered a second.'),
  problem: z.string().optional(),
});
export type ReclassificationProgress = z.output<typeof reclassificationProgress>;
