import type { z } from 'zod';
import type { FileAccess } from './file-access.js';
import type { InstanceId } from './ids.js';

/** `/instances/{id}/simplified-tags`: the dataset by keyword. Orthanc reads the file. @throws instance_gone */
export const simplifiedTags = <T extends z.ZodType>(
  access: FileAccess,
  schema: T,
  id: InstanceId,
): Promise<z.output<T>> =>
  access.json(schema, id, { method: 'GET', url: `/instances/${id}/simplified-tags` });
