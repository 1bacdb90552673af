import { z } from 'zod';

export const sweepOrders = ['newest', 'oldest'] as const;
export type SweepOrder = (typeof sweepOrders)[number];

export const sweepProgress = z.object({
  state: z.enum(['idle', 'running', 'waiting']),
  why: z.string().optional().describe('Why it waits; absent if it does not.'),
  order: z.enum(sweepOrders).optional(),
  done: z.number().describe('Settled series.'),
  total: z.number().describe('All series; the archive may grow during the sweep.'),
  found: z.number().describe('Instances found without a decision so far.'),
  mended: z
    .number()
    .describe('What series and studies did not have as their instances ask for, and was mended.'),
  left: z.number().describe('Studies skipped, since they cannot be read or aggregated; the log says why.'),
  leftAlone: z
    .record(z.string(), z.number())
    .describe('Series without a radiograph in the current pass, by their kind (PLAINVIEW_MODALITIES).'),
  rate: z.number().describe('Series per second in the current pass through the archive.'),
  secondsLeft: z.number().optional().describe('Seconds to the end at that rate.'),
  problem: z.string().optional().describe('Why the last sweep failed.'),
});
export type SweepProgress = z.output<typeof sweepProgress>;
