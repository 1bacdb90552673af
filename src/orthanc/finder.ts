import { z } from 'zod';
import { hasCode } from '../errors/errors.js';
import type { Transport } from './transport.js';

/** Resources per call where all are wanted. */
const pageSize = 10_000;

/** A part of a list: at most `limit` resources after the first `since`. */
export interface Page {
  since: number;
  limit: number;
}

/** `/tools/find`, for the other facets. */
export class Finder {
  readonly #transport: Transport;
  /** False once the database has refused `OrderBy`. */
  #canSort = true;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * One call. Some database plugins cannot sort (`HasExtendedFind` of `/system` is false, as with Debian's PostgreSQL
   * plugin 5.0). With them, Orthanc 1.12.5 refuses `OrderBy`, which older versions ignore. Then the call is repeated
   * without it, and the result is in Orthanc's own order.
   */
  async once<T extends z.ZodType>(
    schema: T,
    data: { OrderBy?: unknown; [more: string]: unknown },
  ): Promise<z.output<T>[]> {
    const find = (body: object) =>
      this.#transport.json(z.array(schema), { method: 'POST', url: '/tools/find', data: body });
    const { OrderBy, ...unordered } = data;
    if (OrderBy === undefined || !this.#canSort) return find(unordered);
    try {
      return await find(data);
    } catch (error) {
      if (!hasCode(error, 'orthanc_unable')) throw error;
      const answer = await find(unordered);
      this.#canSort = false;
      return answer;
    }
  }

  /**
   * At most `limit` resources from `since` on, in as many calls as it takes. Orthanc may return fewer per call than
   * requested without saying so (LimitFindResults, LimitFindInstances). So only an empty page is the end.
   */
  async all<T extends z.ZodType>(
    schema: T,
    data: object,
    { since = 0, limit = Number.POSITIVE_INFINITY }: Partial<Page> = {},
  ): Promise<z.output<T>[]> {
    const all: z.output<T>[] = [];
    while (all.length < limit) {
      const page = { Since: since + all.length, Limit: Math.min(limit - all.length, pageSize) };
      const found = await this.once(schema, { ...data, ...page });
      if (found.length === 0) break;
      all.push(...found);
    }
    return all;
  }
}
