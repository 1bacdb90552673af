import { z } from 'zod';
import type { Audit } from '../../access/audit.js';
import { maxResent, resendRoutesAnswer } from '../../contract/resend-routes.js';
import { createError } from '../../errors/errors.js';
import type { Routing } from '../../followups/routing/routing.js';
import { instanceId, studyId } from '../../orthanc/ids.js';
import { type Operation, operation } from './operation.js';

export const resendRoutesOperations = (routing: Routing | undefined, audit: Audit): Operation[] => [
  operation({
    id: 'retryRoutes',
    tag: 'follow-ups',
    method: 'post',
    path: '/api/v1/routes/retry',
    summary: 'Sends failed routes again',
    role: 'admin',
    body: z
      .strictObject({
        instances: z.array(instanceId).max(maxResent).default([]),
        studies: z.array(studyId).max(maxResent).default([]),
        to: z.string().optional().describe('Only to this destination, such as peer:orthopaedics'),
      })
      .refine(({ instances, studies }) => instances.length + studies.length > 0, 'names nothing'),
    answer: resendRoutesAnswer,
    handle: async ({ body: { instances, studies, to: only }, caller }) => {
      if (routing === undefined) throw createError('rules_absent', {});
      const answer: z.output<typeof resendRoutesAnswer> = { again: [], studies: [] };
      for (const instance of instances) {
        const to = await routing.retry(instance, only);
        if (to.length === 0) continue;
        answer.again.push({ instance, to });
        await audit({ caller, action: 'retry routes', target: `instances/${instance}` });
      }
      for (const study of studies) {
        const to = await routing.retryStudy(study, only);
        if (to.length === 0) continue;
        answer.studies.push({ study, to });
        await audit({ caller, action: 'retry routes', target: `studies/${study}` });
      }
      return answer;
    },
  }),
];
