import { z } from 'zod';
import type { Audit } from '../../audit.js';
import { type Sweep, type SweepOrder, sweepOrders } from '../../intake/sweep.js';
import { type Operation, operation } from './operation.js';

const progress = z.object({
  state: z.enum(['idle', 'running', 'waiting']),
  order: z.enum(sweepOrders).optional(),
  done: z.number().describe('Series settled.'),
  total: z.number().describe('Series that there are; the archive may grow meanwhile.'),
  found: z.number().describe('Instances found without a decision, so far.'),
  left: z
    .number()
    .describe('Studies left as they are, since they cannot be read or added up; the log says why.'),
  rate: z.number().describe('Series a second since this start.'),
  secondsLeft: z.number().optional().describe('Seconds to go at that rate.'),
});

export const sweepOperations = (sweep: Sweep, order: SweepOrder, audit: Audit): Operation[] => [
  operation({
    id: 'sweepProgress',
    method: 'get',
    path: '/api/v1/sweep',
    summary: 'How far the sweep of the archive is',
    role: 'viewer',
    answer: progress,
    handle: () => sweep.progress,
  }),
  operation({
    id: 'startSweep',
    method: 'post',
    path: '/api/v1/sweep',
    summary: 'Begins a sweep of the archive, unless one is under way',
    role: 'admin',
    body: z.strictObject({ order: z.enum(sweepOrders).optional() }).default({}),
    answer: progress,
    status: 202,
    handle: async ({ body, caller }) => {
      sweep.start(body.order ?? order);
      await audit({ caller, action: 'sweep', target: 'archive' });
      return sweep.progress;
    },
  }),
];
