import { vi } from 'vitest';

interface Request {
  query: URLSearchParams;
  body: unknown;
  headers: Headers;
}
/** What becomes the JSON of the response, or the response itself. */
type Reply = (request: Request) => unknown;

export interface FakeApi {
  /** Every request in order: `POST instances/a/undo {"of":"…"}`. */
  requests: string[];
  /** @param operation `GET worklist`. The latest reply for an operation holds. */
  on(operation: string, reply: Reply): void;
  fail(operation: string, status: number, code: string, title: string): void;
  /** Answers `GET events` with a stream of what is emitted. */
  streamEvents(): (event: string, data: object) => void;
}

/** A `fetch` that answers what a test wants. Undone by `vi.unstubAllGlobals`. */
export function stubApi(): FakeApi {
  const replies = new Map<string, Reply>();
  const requests: string[] = [];
  const api: FakeApi = {
    requests,
    on: (operation, reply) => void replies.set(operation, reply),
    fail: (operation, status, code, title) =>
      api.on(operation, () => Response.json({ title, status, code }, { status })),
    streamEvents() {
      const streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
      api.on('GET events', () => {
        const body = new ReadableStream<Uint8Array>({ start: (controller) => void streams.add(controller) });
        return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
      });
      return (event, data) => {
        const bytes = new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
        for (const stream of streams) stream.enqueue(bytes);
      };
    },
  };
  vi.stubGlobal('fetch', async (url: string, init: RequestInit = {}): Promise<Response> => {
    const [path = '', search = ''] = url.replace('http://orthanc.test/plainview/api/v1/', '').split('?');
    const operation = `${init.method} ${path}`;
    const sent = typeof init.body === 'string' ? init.body : undefined;
    requests.push(`${operation}${search && `?${search}`}${sent === undefined ? '' : ` ${sent}`}`);
    const reply = replies.get(operation);
    if (reply === undefined)
      return Response.json({ title: operation, status: 404, code: 'none' }, { status: 404 });
    const answer = await Promise.race([
      reply({
        query: new URLSearchParams(search),
        body: sent === undefined ? undefined : JSON.parse(sent),
        headers: new Headers(init.headers),
      }),
      aborted(init.signal),
    ]);
    if (!(answer instanceof Response)) return Response.json(answer);
    return answer.body === null ? answer : untilAborted(answer, init.signal);
  });
  return api;
}

const aborted = (signal: AbortSignal | null | undefined): Promise<never> =>
  new Promise((_resolve, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener('abort', () => reject(signal.reason));
  });

/** As a browser does: an aborted request ends the reading of its body too. */
function untilAborted(response: Response, signal: AbortSignal | null | undefined): Response {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  void response.body?.pipeTo(writable, signal ? { signal } : {}).catch(() => undefined);
  return new Response(readable, response);
}
