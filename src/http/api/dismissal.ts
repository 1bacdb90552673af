import { z } from 'zod';
import type { Audit } from '../../access/audit.js';
import { category } from '../../contract/named.js';
import { proposals } from '../../contract/review.js';
import type { Aggregates } from '../../decisions/aggregates.js';
import { studyId } from '../../orthanc/ids.js';
import { type Operation, operation } from './operation.js';

/** The other answer to a category that somebody proposes: to take it is an ordinary correction. */
export const dismissalOperation = (aggregates: Aggregates, audit: Audit): Operation =>
  operation({
    id: 'dismiss',
    tag: 'decisions',
    method: 'post',
    path: '/api/v1/studies/{study}/dismissal',
    summary:
      'A person says that a category that somebody set as a label in Orthanc is no correction. The label stays, and is not asked about again',
    role: 'reviewer',
    params: z.strictObject({ study: studyId }),
    body: z.strictObject({ category }),
    answer: proposals,
    handle: async ({ params: { study }, body, caller }) => {
      const proposed = await aggregates.dismiss(study, body.category);
      await audit({ caller, action: 'dismiss', target: `studies/${study}`, detail: body });
      return { proposed };
    },
  });
