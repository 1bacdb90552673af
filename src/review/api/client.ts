import { signal } from '@preact/signals';
import type * as z from 'zod/mini';
import { readStored, writeStored } from '../base/storage.js';
import { texts } from '../texts/index.js';
import { type Problem, problem } from './schema.js';

/**
 * Relative to the page, so that it works at the service itself, behind Orthanc's plugin and behind a proxy. Without the
 * login that the page's address may contain: browsers refuse requests to such an address.
 */
const base = () => new URL('../api/v1/', location.origin + location.pathname).href;
const tokenKey = 'plainview-token';

/** The message is for the reader of the page. */
export class ApiError extends Error {
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  readonly code: string;

  constructor(message: string, status: number, code: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** True while the reader must sign in. */
export const signInNeeded = signal(false);
/** Why the last sign-in did not succeed, for the reader. */
export const refusal = signal<string>();

let token = readStored('sessionStorage', tokenKey);

/** Kept for the tab, so that a shared machine does not keep it; a browser that restores a closed tab restores it too. */
export function signIn(given: string): void {
  token = given;
  writeStored('sessionStorage', tokenKey, given);
  refusal.value = undefined;
  signInNeeded.value = false;
}

export const hasToken = (): boolean => token !== null;

/** Forgets the token. The reader must sign in again. */
export function signOut(): void {
  token = null;
  writeStored('sessionStorage', tokenKey, null);
  signInNeeded.value = true;
}

export type Query = Readonly<Record<string, string | number | undefined>>;

interface RequestOptions {
  query?: Query;
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  body?: unknown;
  signal?: AbortSignal;
  /** Firefox delays a request while another for the same address is open, unless the answer may not be cached. */
  cache?: 'no-store';
}

/** @throws ApiError; an AbortError where the caller aborted */
export async function callApi<T extends z.ZodMiniType>(
  path: string,
  shape: T,
  options: RequestOptions = {},
): Promise<z.output<T>> {
  const response = await sendRequest(path, options);
  const body: unknown = await response.json().catch((caught: unknown) => {
    if (options.signal?.aborted) throw caught;
  });
  const parsed = shape.safeParse(body);
  if (!parsed.success) throw new ApiError(texts.errorVersion, response.status, 'version');
  return parsed.data;
}

/** The response as it comes: a picture, a stream of events. @throws ApiError; an AbortError where the caller aborted */
export async function sendRequest(
  path: string,
  { query = {}, method = 'GET', body, signal, cache }: RequestOptions = {},
): Promise<Response> {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  const search = given.length > 0 ? `?${new URLSearchParams(given)}` : '';
  let response: Response;
  try {
    response = await fetch(`${base()}${path}${search}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
        // Orthanc may decode the query before its plugin gets it.
        ...(search === '' ? {} : { 'x-plainview-query': search.slice(1) }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
      ...(cache ? { cache } : {}),
    });
  } catch (caught) {
    if (signal?.aborted) throw caught;
    throw new ApiError(texts.errorNoAnswer, 0, 'no_answer');
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  const { code } = problem;
  const message = texts.errorText(problem);
  if (response.status === 401) {
    // Other calls with the same token come here too, after the token has been forgotten.
    if (token !== null) refusal.value = code === 'unauthorised' ? texts.signInRefused : message;
    signOut();
  }
  throw new ApiError(message, response.status, code);
}

async function problemOf(response: Response): Promise<Problem> {
  const parsed = problem.safeParse(await response.json().catch(() => undefined));
  return parsed.success
    ? parsed.data
    : { title: texts.errorBetween(response.status), status: response.status, code: 'unknown' };
}

/** Whether the caller aborted the request on purpose. */
export const isAbort = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'AbortError';

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : texts.errorUnknown;
