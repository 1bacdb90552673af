import type { z } from 'zod';
import { goneIfAbsent } from './catch-handlers.js';
import type { InstanceId } from './ids.js';
import type { Transport } from './transport.js';

/** `/instances/{id}/simplified-tags`: the dataset by keyword. Orthanc reads the file. @throws instance_gone */
export const simplifiedTags = <T extends z.ZodType>(
  transport: Transport,
  schema: T,
  id: InstanceId,
): Promise<z.output<T>> =>
  transport.json(schema, { method: 'GET', url: `/instances/${id}/simplified-tags` }).catch(goneIfAbsent(id));
