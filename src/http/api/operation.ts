import type { Response } from 'express';
import { z } from 'zod';
import type { Caller, Role } from '../../access/caller.js';
import { requestMalformed, withInput } from '../malformed.js';

export type Method = 'get' | 'post' | 'put' | 'delete';

/** The parts of a request, not parsed yet. */
export interface Raw {
  params: unknown;
  query: unknown;
  body: unknown;
  caller: Caller;
  /** Aborted when the client goes away. */
  signal: AbortSignal;
}

interface Input<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  params: z.output<P>;
  query: z.output<Q>;
  body: z.output<B>;
  caller: Caller;
  signal: AbortSignal;
}

interface Declared<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  /** OpenAPI's operationId. */
  id: string;
  method: Method;
  /** In OpenAPI's form: `/api/v1/studies/{study}/hanging`. */
  path: `/api/v1/${string}`;
  summary: string;
  /** The least role that may do it. */
  role: Role;
  params?: P;
  query?: Q;
  body?: B;
  /** HTTP status of success; default 200. */
  status?: number;
}

interface Answering<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType>
  extends Declared<P, Q, B> {
  answer: A;
  handle(input: Input<P, Q, B>): Promise<z.input<A>> | z.input<A>;
}

interface Sending<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> extends Declared<P, Q, B> {
  /** Media type of what is sent: a picture, a table, a stream of events. */
  media: string;
  send(input: Input<P, Q, B>, response: Response): Promise<void>;
}

/** One endpoint of the API. Router and description are both made from these, so they cannot differ. */
export interface Operation extends Declared<z.ZodType, z.ZodType, z.ZodType> {
  answer?: z.ZodType;
  media?: string;
  /** @throws request_malformed, and what the operation itself throws */
  serve(raw: Raw, response: Response): Promise<void>;
}

const none = z.strictObject({});
/** Where no body is needed, clients send none or an empty object: both are accepted. */
const noBody = z.unknown();

export function operation<
  P extends z.ZodType = typeof none,
  Q extends z.ZodType = typeof none,
  B extends z.ZodType = typeof noBody,
  A extends z.ZodType = z.ZodType,
>(declared: Answering<P, Q, B, A> | Sending<P, Q, B>): Operation {
  return {
    ...declared,
    async serve({ params, query, body, caller, signal }, response) {
      const input = {
        params: read(declared.params ?? none, params, 'path') as z.output<P>,
        query: read(declared.query ?? none, query, 'query') as z.output<Q>,
        body: read(declared.body ?? noBody, body, 'body') as z.output<B>,
        caller,
        signal,
      };
      if ('send' in declared) return declared.send(input, response);
      const answer = await declared.handle(input);
      response.status(declared.status ?? 200).json(answer);
    },
  };
}

function read(schema: z.ZodType, value: unknown, where: string): unknown {
  const parsed = schema.safeParse(value, withInput);
  if (parsed.success) return parsed.data;
  throw requestMalformed(parsed.error, where);
}
