import { z } from 'zod';
import type { Transport } from './transport.js';

/** `/tools/bulk-content`: resources with metadata and labels, in one call. Those that are gone are left out. */
export function bulkContent<T extends z.ZodType>(
  transport: Transport,
  schema: T,
  ids: readonly string[],
  /** Gives the relatives at this level, upwards or downwards; without it, the resources themselves. */
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
