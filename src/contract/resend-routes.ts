import { z } from 'zod';
import { instanceId, studyId } from '../orthanc/ids.js';

/** Limits the instances, and the studies, in one call of `retryRoutes`. */
export const maxResent = 100;

export const resendRoutesAnswer = z.object({
  again: z
    .array(z.object({ instance: instanceId, to: z.array(z.string()) }))
    .describe(
      'What is to be sent again, and to which destinations. Instances without a failed route are left out.',
    ),
  studies: z
    .array(z.object({ study: studyId, to: z.array(z.string()) }))
    .describe('The same of studies, of which rules on studies send the pictures together.'),
});
