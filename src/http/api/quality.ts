import { z } from 'zod';
import type { Audit } from '../../access/audit.js';
import { qualityAnswer, qualityRequest } from '../../contract/quality.js';
import { csvOf } from '../../quality/csv.js';
import type { QualityReports } from '../../quality/job.js';
import { type Operation, operation } from './operation.js';

export const qualityOperations = (reports: QualityReports, audit: Audit): Operation[] => [
  operation({
    id: 'qualityReport',
    tag: 'service',
    method: 'get',
    path: '/api/v1/quality',
    summary: 'The last report on DICOM attributes, and the progress of the next one',
    role: 'reviewer',
    query: z.strictObject({
      report: z.enum(['yes', 'no']).default('yes').describe('`no`: the progress alone.'),
    }),
    answer: qualityAnswer,
    handle: ({ query }) => {
      const { report, ...progress } = reports.answer;
      return query.report === 'no' || report === undefined ? progress : { ...progress, report };
    },
  }),
  operation({
    id: 'qualityReportCsv',
    tag: 'service',
    method: 'get',
    path: '/api/v1/quality/csv',
    summary:
      'The figures of the last report on DICOM attributes as CSV; only a header where there is none yet',
    role: 'reviewer',
    media: 'text/csv',
    send: async (_, response) => {
      response.type('text/csv').send(csvOf(reports.answer.report));
    },
  }),
  operation({
    id: 'makeQualityReport',
    tag: 'service',
    method: 'post',
    path: '/api/v1/quality',
    summary: 'Makes a report on DICOM attributes, unless one is being made',
    role: 'reviewer',
    body: qualityRequest.default(qualityRequest.parse({})),
    answer: qualityAnswer,
    status: 202,
    handle: async ({ body, caller }) => {
      if (reports.begin(body)) await audit({ caller, action: 'report', target: 'archive' });
      const { report: _, ...progress } = reports.answer;
      return progress;
    },
  }),
];
