import { z } from 'zod';
import type { Audit } from '../../access/audit.js';
import { maxResentInstances, resendRoutesAnswer } from '../../contract/resend-routes.js';
import { createError } from '../../errors/errors.js';
import type { Routing } from '../../followups/routing/routing.js';
import { instanceId } from '../../orthanc/ids.js';
import { type Operation, operation } from './operation.js';

export const resendRoutesOperations = (routing: Routing | undefined, audit: Audit): Operation[] => [
  operation({
    id: 'retryRoutes',
    tag: 'follow-ups',
    method: 'post',
    path: '/api/v1/routes/retry',
    summary: 'Sends failed routes again',
    role: 'admin',
    body: z.strictObject({
      instances: z.array(instanceId).min(1).max(maxResentInstances),
      to: z.string().optional().describe('Only to this destination, such as peer:orthopaedics'),
    }),
    answer: resendRoutesAnswer,
    handle: async ({ body: { instances, to: only }, caller }) => {
      if (routing === undefined) throw createError('rules_absent', {});
      const again: z.output<typeof resendRoutesAnswer>['again'] = [];
      for (const instance of instances) {
        const to = await routing.retry(instance, only);
        if (to.length === 0) continue;
        again.push({ instance, to });
        await audit({ caller, action: 'retry routes', target: `instances/${instance}` });
      }
      return { again };
    },
  }),
];
