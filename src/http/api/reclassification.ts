import { z } from 'zod';
import type { Audit } from '../../access/audit.js';
import { type ReclassificationProgress, reclassificationProgress } from '../../contract/reclassification.js';
import { type Selection, selection } from '../../contract/selection.js';
import type { ReclassificationJobs } from '../../intake/reclassification/jobs.js';
import { type Operation, operation } from './operation.js';

const jobParams = z.strictObject({ request: z.uuid() });

/** Removes the values of DICOM attributes from a selection: they may name a patient. */
const withoutValues = (given: Selection): Selection =>
  given.query === undefined
    ? given
    : { ...given, query: Object.fromEntries(Object.keys(given.query).map((keyword) => [keyword, '…'])) };

/** A job as every caller may see it. */
const shown = (progress: ReclassificationProgress): ReclassificationProgress => ({
  ...progress,
  selection: withoutValues(progress.selection),
});

export const reclassificationOperations = (jobs: ReclassificationJobs, audit: Audit): Operation[] => [
  operation({
    id: 'listRequests',
    tag: 'reclassification',
    method: 'get',
    path: '/api/v1/requests',
    summary: 'The latest reclassification jobs, newest first',
    role: 'viewer',
    answer: z.array(reclassificationProgress),
    handle: () => jobs.list().map(shown),
  }),
  operation({
    id: 'requestReclassification',
    tag: 'reclassification',
    method: 'post',
    path: '/api/v1/requests',
    summary: 'Classifies instances again; instances that a person corrected only with includingCorrected',
    role: 'admin',
    body: z.strictObject({
      selection,
      includingCorrected: z.boolean().default(false),
      dryRun: z.boolean().default(false).describe('Only count the instances.'),
    }),
    answer: reclassificationProgress,
    status: 202,
    handle: async ({ body, caller }) => {
      const { dryRun, ...request } = body;
      const job = await jobs.begin({ ...request, who: caller.who }, dryRun);
      const detail = { ...request, selection: withoutValues(request.selection) };
      if (!dryRun) await audit({ caller, action: 'reclassify', target: `requests/${job.id}`, detail });
      return shown(job);
    },
  }),
  operation({
    id: 'requestProgress',
    tag: 'reclassification',
    method: 'get',
    path: '/api/v1/requests/{request}',
    summary: 'The progress of a reclassification job',
    role: 'viewer',
    params: jobParams,
    answer: reclassificationProgress,
    handle: ({ params }) => shown(jobs.get(params.request)),
  }),
  operation({
    id: 'cancelRequest',
    tag: 'reclassification',
    method: 'delete',
    path: '/api/v1/requests/{request}',
    summary: 'Stops a reclassification job, and deletes its requests that are not answered yet',
    role: 'admin',
    params: jobParams,
    answer: reclassificationProgress,
    handle: async ({ params, caller }) => {
      const job = await jobs.cancel(params.request);
      await audit({ caller, action: 'cancel', target: `requests/${job.id}` });
      return shown(job);
    },
  }),
];
