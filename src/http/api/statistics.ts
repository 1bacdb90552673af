import { z } from 'zod';
import { statistics as schema } from '../../contract/review.js';
import { maxDays, type Statistics } from '../../statistics/statistics.js';
import { type Operation, operation } from './operation.js';

export const statisticsOperations = (statistics: Statistics): Operation[] => [
  operation({
    id: 'statistics',
    tag: 'service',
    method: 'get',
    path: '/api/v1/statistics',
    summary: "Counts of decisions, persons' agreement with the network, and the backlog",
    role: 'viewer',
    query: z.strictObject({
      days: z.coerce
        .number()
        .int()
        .min(1)
        .max(maxDays)
        .default(30)
        .describe('The number of days, including today (UTC).'),
    }),
    answer: schema,
    handle: ({ query }) => statistics.of(query.days),
  }),
];
