import { z } from 'zod';
import { statistics as schema } from '../../contract/review.js';
import { mostDays, type Statistics } from '../../statistics/statistics.js';
import { type Operation, operation } from './operation.js';

export const statisticsOperations = (statistics: Statistics): Operation[] => [
  operation({
    id: 'statistics',
    method: 'get',
    path: '/api/v1/statistics',
    summary: 'What was decided, how people agree with the network, and what waits for them',
    role: 'viewer',
    query: z.strictObject({
      days: z.coerce.number().int().min(1).max(mostDays).default(30).describe('Up to and with today (UTC).'),
    }),
    answer: schema,
    handle: ({ query }) => statistics.of(query.days),
  }),
];
