import { z } from 'zod';
import { instanceId } from '../orthanc/ids.js';

/** Most instances in one call of `retryRoutes`. */
export const mostRetried = 100;

export const retriedRoutes = z.object({
  again: z
    .array(z.object({ instance: instanceId, to: z.array(z.string()) }))
    .describe(
      'What waits to be sent once more, and where to. An instance of which nothing was given up is left out.',
    ),
});
