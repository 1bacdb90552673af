import { z } from 'zod';
import type { Transport } from './transport.js';

/** `/tools/bulk-content`: resources with metadata and labels, in one call. It leaves out deleted resources. */
export function bulkContent<T extends z.ZodType>(
  transport: Transport,
  schema: T,
  ids: readonly string[],
  /** Returns the parents or children at this level; without it, the resources themselves. */
  level?: 'Patient' | 'Study' | 'Series' | 'Instance',
): Promise<z.output<T>[]> {
  return transport.json(z.array(schema), {
    method: 'POST',
    url: '/tools/bulk-content',
    data: {
      Resources: ids,
      Metadata: true,
      Short: true,
      ...(level === undefined ? {} : { Level: level }),
    },
  });
}
