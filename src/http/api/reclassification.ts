import { z } from 'zod';
import type { Audit } from '../../access/audit.js';
import { type ReclassificationProgress, reclassificationProgress } from '../../contract/reclassification.js';
import { type Selection, selection } from '../../contract/selection.js';
import type { ReclassificationJobs } from '../../intake/reclassification/jobs.js';
import { type Operation, operation } from './operation.js';

const one = z.strictObject({ request: z.uuid() });

/** The DICOM attributes of a selection may name a patient: they keep their keywords and lose their values. */
const withoutValues = (wanted: Selection): Selection =>
  wanted.query === undefined
    ? wanted
    : { ...wanted, query: Object.fromEntries(Object.keys(wanted.query).map((keyword) => [keyword, '…'])) };

/** What every caller may read of a request. */
const shown = (progress: ReclassificationProgress): ReclassificationProgress => ({
  ...progress,
  selection: withoutValues(progress.selection),
});

export const requestOperations = (runs: ReclassificationJobs, audit: Audit): Operation[] => [
  operation({
    id: 'listRequests',
    method: 'get',
    path: '/api/v1/requests',
    summary: 'The latest requests for reclassification, newest first',
    role: 'viewer',
    answer: z.array(reclassificationProgress),
    handle: () => runs.list().map(shown),
  }),
  operation({
    id: 'requestReclassification',
    method: 'post',
    path: '/api/v1/requests',
    summary: 'Asks for instances to be classified again; what a person corrected stays unless asked for',
    role: 'admin',
    body: z.strictObject({
      selection,
      includingCorrected: z.boolean().default(false),
      dryRun: z.boolean().default(false).describe('Only counts.'),
    }),
    answer: reclassificationProgress,
    status: 202,
    handle: async ({ body, caller }) => {
      const { dryRun, ...asked } = body;
      const run = await runs.begin({ ...asked, who: caller.who }, dryRun);
      const detail = { ...asked, selection: withoutValues(asked.selection) };
      if (!dryRun) await audit({ caller, action: 'reclassify', target: `requests/${run.id}`, detail });
      return shown(run);
    },
  }),
  operation({
    id: 'requestProgress',
    method: 'get',
    path: '/api/v1/requests/{request}',
    summary: 'How far a request is',
    role: 'viewer',
    params: one,
    answer: reclassificationProgress,
    handle: ({ params }) => shown(runs.get(params.request)),
  }),
  operation({
    id: 'cancelRequest',
    method: 'delete',
    path: '/api/v1/requests/{request}',
    summary: 'Asks no further, and withdraws what has not been taken up yet',
    role: 'admin',
    params: one,
    answer: reclassificationProgress,
    handle: async ({ params, caller }) => {
      const run = await runs.cancel(params.request);
      await audit({ caller, action: 'cancel', target: `requests/${run.id}` });
      return shown(run);
    },
  }),
];
