import { z } from 'zod';
import { instanceId } from '../orthanc/ids.js';

/** Limits the instances in one call of `undoTags`. */
export const maxUndoneInstances = 20;

export const undoTagsAnswer = z.object({
  undone: z
    .array(instanceId)
    .describe('Files whose tags are restored. Changes that others made since are kept.'),
  left: z.array(z.object({ instance: instanceId, why: z.string() })),
});
