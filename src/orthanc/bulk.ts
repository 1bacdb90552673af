import { z } from 'zod';
import type { Transport } from './transport.js';

/** One call for resources' relatives at a level, upwards or downwards, with metadata and labels. */
export function contents<T extends z.ZodType>(
  rest: Transport,
  schema: T,
  ids: readonly string[],
  level: 'Patient' | 'Study' | 'Series' | 'Instance',
): Promise<z.output<T>[]> {
  return rest.json(z.array(schema), {
    method: 'POST',
    url: '/tools/bulk-content',
    data: { Resources: ids, Level: level, Metadata: true, Short: true },
  });
}
