import { z } from 'zod';
import { errorDetail } from '../decisions/schema.js';
import { selection } from './selection.js';

/** A request to reclassify many instances. It is kept in the state folder until every instance has its own request. */
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
  asked: z.number().describe('Instances requested so far; of a dry run: those that would be.'),
  corrected: z
    .number()
    .describe('Instances that a person corrected: selected too, but left alone, unless includingCorrected.'),
  otherVersion: z
    .number()
    .describe('Instances with a record of another version of Plainview: selected too, but left alone.'),
  answered: z.number().describe('Requested instances that are settled.'),
  rate: z.number().describe('Instances answered per second.'),
  problem: z.string().optional(),
  failure: errorDetail.optional().describe('The error whose sentence `problem` is.'),
});
export type ReclassificationProgress = z.output<typeof reclassificationProgress>;
