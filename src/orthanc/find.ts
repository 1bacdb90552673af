import { z } from 'zod';
import type { Rest } from './rest.js';

/** As much as is asked for at a time where everything is wanted. */
const pageSize = 10_000;

/**
 * `/tools/find`, from `since` on, at most `limit` resources. Orthanc may give fewer at a time than it is asked for
 * (LimitFindResults, LimitFindInstances) without saying so: it is asked on until it gives none.
 */
export async function find<T extends z.ZodType>(
  rest: Rest,
  schema: T,
  data: object,
  { since = 0, limit = Number.POSITIVE_INFINITY } = {},
): Promise<z.output<T>[]> {
  const all: z.output<T>[] = [];
  while (all.length < limit) {
    const page = { Since: since + all.length, Limit: Math.min(limit - all.length, pageSize) };
    const found = await rest.json(z.array(schema), {
      method: 'POST',
      url: '/tools/find',
      data: { ...data, ...page },
    });
    if (found.length === 0) break;
    all.push(...found);
  }
  return all;
}
