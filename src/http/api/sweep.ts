import { z } from 'zod';
import type { Audit } from '../../access/audit.js';
import type { Config } from '../../config/options.js';
import { sweepOrders, sweepProgress } from '../../contract/sweep.js';
import { untilQuiet } from '../../intake/quiet-hours.js';
import type { Sweep } from '../../intake/sweep.js';
import type { Readiness } from '../health.js';
import { type Operation, operation } from './operation.js';

interface Parts {
  sweep: Sweep;
  config: Pick<Config, 'sweepOrder' | 'sweepHours'>;
  readiness: () => Pick<Readiness, 'orthanc'>;
  audit: Audit;
}

export const sweepOperations = ({ sweep, config, readiness, audit }: Parts): Operation[] => {
  const current = () => {
    const { progress } = sweep;
    const why = progress.state === 'idle' ? undefined : whyWaiting(config, readiness());
    return { ...progress, ...(why === undefined ? {} : { why }) };
  };
  return [
    operation({
      id: 'sweepProgress',
      tag: 'reclassification',
      method: 'get',
      path: '/api/v1/sweep',
      summary: 'The progress of the sweep of the archive',
      role: 'viewer',
      answer: sweepProgress,
      handle: current,
    }),
    operation({
      id: 'startSweep',
      tag: 'reclassification',
      method: 'post',
      path: '/api/v1/sweep',
      summary: 'Begins a sweep of the archive, unless one is running',
      role: 'admin',
      body: z.strictObject({ order: z.enum(sweepOrders).optional() }).default({}),
      answer: sweepProgress,
      status: 202,
      handle: async ({ body, caller }) => {
        sweep.begin(body.order ?? config.sweepOrder);
        await sweep.saved;
        await audit({ caller, action: 'sweep', target: 'archive' });
        return current();
      },
    }),
  ];
};

/** Why a running sweep makes no progress. This checks the clock itself: a sweep that has just begun has not done so. */
function whyWaiting(
  { sweepHours: hours }: Parts['config'],
  { orthanc }: ReturnType<Parts['readiness']>,
): string | undefined {
  if (hours !== undefined && untilQuiet(hours, new Date()) > 0)
    return `it works from ${hours.from}:00 to ${hours.to}:00 (PLAINVIEW_SWEEP_HOURS), and goes on by itself then`;
  return orthanc.problem;
}
