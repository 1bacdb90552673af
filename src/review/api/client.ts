import { signal } from '@preact/signals';
import type * as z from 'zod/mini';
import { store, stored } from '../storage.js';
import { type Problem, problem } from './schema.js';

/** Relative to the page, so that it holds at the service itself, behind Orthanc's plugin and behind a proxy. */
const base = '../api/v1/';
const storedUnder = 'plainview-token';

/** What went wrong, in words for whoever sits before the page. */
export class ApiError extends Error {
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  readonly code: string;

  constructor(words: string, status: number, code: string) {
    super(words);
    this.status = status;
    this.code = code;
  }
}

/** Set while somebody must say who they are. */
export const signInWanted = signal(false);
/** Set while the token last given is one that the service does not know. */
export const tokenRefused = signal(false);

let token = stored('sessionStorage', storedUnder);

/** Kept with the tab, so that a shared machine does not keep it; browsers that restore a closed tab restore it too. */
export function useToken(given: string): void {
  token = given;
  store('sessionStorage', storedUnder, given);
  tokenRefused.value = false;
  signInWanted.value = false;
}

function forgetToken(): void {
  token = null;
  store('sessionStorage', storedUnder, null);
}

export type Query = Readonly<Record<string, string | number | undefined>>;

interface Ask {
  query?: Query;
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  body?: unknown;
  signal?: AbortSignal;
  /** Firefox holds a request back while one for the same address is open, unless it may not be kept. */
  cache?: 'no-store';
}

/** @throws ApiError; an AbortError where the caller gave up */
export async function ask<T extends z.ZodMiniType>(
  path: string,
  shape: T,
  how: Ask = {},
): Promise<z.output<T>> {
  const answer = await request(path, how);
  const body: unknown = await answer.json().catch((caught: unknown) => {
    if (how.signal?.aborted) throw caught;
  });
  const parsed = shape.safeParse(body);
  if (!parsed.success)
    throw new ApiError(
      'This page and the service do not fit together. Reload the page.',
      answer.status,
      'version',
    );
  return parsed.data;
}

/** The answer as it comes: a picture, a stream of events. @throws ApiError */
export async function request(
  path: string,
  { query = {}, method = 'GET', body, signal, cache }: Ask = {},
): Promise<Response> {
  const asked = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  const search = asked.length > 0 ? `?${new URLSearchParams(asked)}` : '';
  let answer: Response;
  try {
    answer = await fetch(`${base}${path}${search}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
      ...(cache ? { cache } : {}),
    });
  } catch (caught) {
    if (signal?.aborted) throw caught;
    throw new ApiError('The service does not answer. Trying again.', 0, 'no_answer');
  }
  if (answer.ok) return answer;
  const told = await problemOf(answer);
  if (answer.status === 401) {
    // Calls that were under way with the same token come here too, when it has been forgotten.
    tokenRefused.value ||= token !== null;
    forgetToken();
    signInWanted.value = true;
  }
  throw new ApiError(told.title, answer.status, told.code);
}

async function problemOf(answer: Response): Promise<Problem> {
  const parsed = problem.safeParse(await answer.json().catch(() => undefined));
  return parsed.success
    ? parsed.data
    : {
        title: `Something between this page and the service answers ${answer.status}.`,
        status: answer.status,
        code: 'unknown',
      };
}

/** Whether the request was given up on purpose. */
export const isAbort = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'AbortError';

export const wordsOf = (error: unknown): string =>
  error instanceof Error ? error.message : 'Something went wrong on this page. Reload it.';
