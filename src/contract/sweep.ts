import { z } from 'zod';

export const sweepOrders = ['newest', 'oldest'] as const;
export type SweepOrder = (typeof sweepOrders)[number];

export const sweepProgress = z.object({
  state: z.enum(['idle', 'running', 'waiting']),
  why: z.string().optional().describe('Why it waits, where it does.'),
  order: z.enum(sweepOrders).optional(),
  done: z.number().describe('Series settled.'),
  total: z.number().describe('Series that there are; the archive may grow meanwhile.'),
  found: z.number().describe('Instances found without a decision, so far.'),
  left: z
    .number()
    .describe('Studies left as they are, since they cannot be read or added up; the log says why.'),
  rate: z.number().describe('Series a second since this start.'),
  secondsLeft: z.number().optional().describe('Seconds to go at that rate.'),
  problem: z.string().optional().describe('Why the last one broke off.'),
});
