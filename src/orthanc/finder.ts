import { z } from 'zod';
import { PlainviewError } from '../errors/errors.js';
import type { Transport } from './transport.js';

/** As much as is asked for at a time where everything is wanted. */
const pageSize = 10_000;

/** A part of a list. */
export interface Page {
  since: number;
  limit: number;
}

/** `/tools/find`, for the facets of this folder. */
export class Finder {
  readonly #transport: Transport;
  /** Whether the database knows an order, as far as is known. */
  #orders = true;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * One call. Where the database plugin knows no order (`HasExtendedFind` of `/system` is false, as with Debian's
   * PostgreSQL plugin 5.0), Orthanc 1.12.5 refuses `OrderBy`, which older ones ignore. It is left out then, and the
   * answer comes in Orthanc's own order.
   */
  async once<T extends z.ZodType>(
    schema: T,
    data: { OrderBy?: unknown; [more: string]: unknown },
  ): Promise<z.output<T>[]> {
    const find = (body: object) =>
      this.#transport.json(z.array(schema), { method: 'POST', url: '/tools/find', data: body });
    const { OrderBy, ...unordered } = data;
    if (OrderBy === undefined || !this.#orders) return find(unordered);
    try {
      return await find(data);
    } catch (error) {
      if (!(error instanceof PlainviewError && error.code === 'orthanc_unable')) throw error;
      const answer = await find(unordered);
      this.#orders = false;
      return answer;
    }
  }

  /**
   * From `since` on, at most `limit` resources. Orthanc may give fewer at a time than it is asked for
   * (LimitFindResults, LimitFindInstances) without saying so, so it is asked until it gives none.
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
