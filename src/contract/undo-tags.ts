import { z } from 'zod';
import { instanceId } from '../orthanc/ids.js';

/** Most instances in one call of `undoTags`. */
export const mostUndone = 20;

export const undoneTags = z.object({
  undone: z
    .array(instanceId)
    .describe('Files that are as they were, but for what others have changed since.'),
  left: z.array(z.object({ instance: instanceId, why: z.string() })),
});
