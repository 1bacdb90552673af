import { z } from 'zod';
import { PlainviewError } from '../errors/errors.js';
import type { Transport } from './transport.js';

/** As much as is asked for at a time where everything is wanted. */
const pageSize = 10_000;

/** Orthancs whose database was found to know no order. */
const unordered = new WeakSet<Transport>();

/**
 * One call of `/tools/find`. Where the database plugin knows no order (`HasExtendedFind` of `/system` is false, as with
 * Debian's PostgreSQL plugin 5.0) Orthanc 1.12.5 refuses `OrderBy`, which older ones pass over: it is left out then, and
 * the answer comes in Orthanc's own order.
 */
export async function findOnce<T extends z.ZodType>(
  rest: Transport,
  schema: T,
  data: { OrderBy?: unknown; [more: string]: unknown },
): Promise<z.output<T>[]> {
  const ask = (asked: object) =>
    rest.json(z.array(schema), { method: 'POST', url: '/tools/find', data: asked });
  const { OrderBy, ...anyhow } = data;
  if (OrderBy === undefined || unordered.has(rest)) return ask(anyhow);
  try {
    return await ask(data);
  } catch (error) {
    if (!(error instanceof PlainviewError && error.code === 'orthanc_unable')) throw error;
    const answer = await ask(anyhow);
    unordered.add(rest);
    return answer;
  }
}

/**
 * `/tools/find`, from `since` on, at most `limit` resources. Orthanc may give fewer at a time than it is asked for
 * (LimitFindResults, LimitFindInstances) without saying so: it is asked on until it gives none.
 */
export async function find<T extends z.ZodType>(
  rest: Transport,
  schema: T,
  data: object,
  { since = 0, limit = Number.POSITIVE_INFINITY } = {},
): Promise<z.output<T>[]> {
  const all: z.output<T>[] = [];
  while (all.length < limit) {
    const page = { Since: since + all.length, Limit: Math.min(limit - all.length, pageSize) };
    const found = await findOnce(rest, schema, { ...data, ...page });
    if (found.length === 0) break;
    all.push(...found);
  }
  return all;
}
