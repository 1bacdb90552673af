import { z } from 'zod';
import type { Audit } from '../../access/audit.js';
import { driftAnswer, driftStation } from '../../contract/drift.js';
import type { Drift } from '../../drift/drift.js';
import { type Operation, operation } from './operation.js';

export const driftOperations = (drift: Drift, audit: Audit): Operation[] => [
  operation({
    id: 'drift',
    tag: 'service',
    method: 'get',
    path: '/api/v1/drift',
    summary: 'Stations whose pictures are not what they were, the latest change first',
    role: 'viewer',
    answer: driftAnswer,
    handle: async () => answerOf(drift),
  }),
  operation({
    id: 'acceptDrift',
    tag: 'service',
    method: 'post',
    path: '/api/v1/drift/accept',
    summary: 'From now on a station is as it is: it is compared with a new past',
    role: 'admin',
    body: z.strictObject({ station: driftStation }),
    answer: driftAnswer,
    handle: async ({ body: { station }, caller }) => {
      await drift.accept(station);
      await audit({ caller, action: 'accept drift', target: 'archive', detail: { station } });
      return answerOf(drift);
    },
  }),
];

const answerOf = ({ changes }: Drift): z.output<typeof driftAnswer> => ({
  changes: changes.map(({ told: _, ...change }) => change),
});
