import { z } from 'zod';
import { instanceId } from '../orthanc/ids.js';

/** Limits the instances in one call of `retryRoutes`. */
export const maxResentInstances = 100;

export const resendRoutesAnswer = z.object({
  again: z
    .array(z.object({ instance: instanceId, to: z.array(z.string()) }))
    .describe(
      'What is to be sent again, and to which destinations. Instances without a failed route are left out.',
    ),
});
