import type { IncomingHttpHeaders } from 'node:http';
import { OrthancError, unknownResource } from './orthanc-error.js';

export interface FakeResponse {
  status: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** A parsed request. */
export interface FakeRequest {
  method: string;
  /** Path and query. */
  url: string;
  /** Without query, decoded. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** @param params matches of the groups in the route's pattern */
type Handler = (request: FakeRequest, ...params: string[]) => FakeResponse | Promise<FakeResponse>;
export type Route = readonly [method: string, pattern: RegExp, handler: Handler];

export const json = (value: unknown, headers: Record<string, string> = {}): FakeResponse => ({
  status: 200,
  headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
  body: JSON.stringify(value),
});
export const text = (body: string, headers: Record<string, string> = {}): FakeResponse => ({
  status: 200,
  headers: { 'content-type': 'text/plain', ...headers },
  body,
});
export const bytes = (type: string, body: Buffer, headers: Record<string, string> = {}): FakeResponse => ({
  status: 200,
  headers: { 'content-type': type, ...headers },
  body,
});
export const empty = (status: number): FakeResponse => ({ status });

export async function route(routes: readonly Route[], request: FakeRequest): Promise<FakeResponse> {
  try {
    const allowed: string[] = [];
    for (const [method, pattern, handler] of routes) {
      const match = pattern.exec(request.path);
      if (match === null) continue;
      if (method === request.method) return await handler(request, ...match.slice(1));
      allowed.push(method);
    }
    if (allowed.length > 0) return { status: 405, headers: { allow: allowed.join(',') } };
    throw unknownResource();
  } catch (error) {
    if (!(error instanceof OrthancError)) throw error;
    const body = error.body(request.method, request.path);
    return { status: error.status, headers: { 'content-type': 'text/plain' }, body };
  }
}
