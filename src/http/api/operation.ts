import type { Response } from 'express';
import { z } from 'zod';
import type { Caller, Role } from '../../access/caller.js';
import { requestMalformed, withInput } from '../malformed.js';

export type Method = 'get' | 'post' | 'put' | 'delete';

/** What operations are about. OpenAPI and the clients generated from it group them so. */
export const tags = {
  service: 'The service itself: caller, categories, state, events, statistics',
  worklist: 'Decisions, as people look through them',
  pictures: 'Pictures of instances, and what in them supports a category',
  decisions: "A person's word on a decision",
  reclassification: 'Runs that classify again, or what was missed',
  'follow-ups': 'What is done after a decision: tags in files, routes',
  hanging: 'How a viewer hangs a study',
} as const;
type Tag = keyof typeof tags;

/** The parts of an HTTP request, not parsed yet. */
export interface RawRequest {
  params: unknown;
  query: unknown;
  body: unknown;
  caller: Caller;
  /** Aborted when the client disconnects. */
  signal: AbortSignal;
}

interface Input<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  params: z.output<P>;
  query: z.output<Q>;
  body: z.output<B>;
  caller: Caller;
  signal: AbortSignal;
}

interface Declaration<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  /** OpenAPI's operationId. */
  id: string;
  tag: Tag;
  method: Method;
  /** In OpenAPI's form: `/api/v1/studies/{study}/hanging`. */
  path: `/api/v1/${string}`;
  summary: string;
  /** The lowest role that may call it. */
  role: Role;
  params?: P;
  query?: Q;
  body?: B;
  /** HTTP status of success; default 200. */
  status?: number;
}

interface JsonOperation<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType>
  extends Declaration<P, Q, B> {
  answer: A;
  handle(input: Input<P, Q, B>): Promise<z.input<A>> | z.input<A>;
}

interface MediaOperation<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>
  extends Declaration<P, Q, B> {
  /** Media type of the answer: a picture, a stream of events. */
  media: string;
  send(input: Input<P, Q, B>, response: Response): Promise<void>;
}

/** One endpoint of the API. Router and OpenAPI document are both made from it, so they cannot differ. */
export interface Operation extends Declaration<z.ZodType, z.ZodType, z.ZodType> {
  answer?: z.ZodType;
  media?: string;
  /** @throws request_malformed, and the errors of the operation */
  serve(raw: RawRequest, response: Response): Promise<void>;
}

const none = z.strictObject({});
/** Where no body is needed, any body is accepted: clients send none or an empty object. */
const noBody = z.unknown();

export function operation<
  P extends z.ZodType = typeof none,
  Q extends z.ZodType = typeof none,
  B extends z.ZodType = typeof noBody,
  A extends z.ZodType = z.ZodType,
>(declaration: JsonOperation<P, Q, B, A> | MediaOperation<P, Q, B>): Operation {
  return {
    ...declaration,
    async serve({ params, query, body, caller, signal }, response) {
      const input = {
        params: parse(declaration.params ?? none, params, 'path') as z.output<P>,
        query: parse(declaration.query ?? none, query, 'query') as z.output<Q>,
        body: parse(declaration.body ?? noBody, body, 'body') as z.output<B>,
        caller,
        signal,
      };
      if ('send' in declaration) return declaration.send(input, response);
      const answer = await declaration.handle(input);
      response.status(declaration.status ?? 200).json(answer);
    },
  };
}

function parse(schema: z.ZodType, value: unknown, where: string): unknown {
  const parsed = schema.safeParse(value, withInput);
  if (parsed.success) return parsed.data;
  throw requestMalformed(parsed.error, where);
}
