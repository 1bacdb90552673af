import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { close, listen } from './loopback.js';

export interface ReceivedRequest {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A response, or `'never'` for none. */
export type ListenerResponse = { status: number; body: string; headers?: OutgoingHttpHeaders } | 'never';

/** Replaces the service in tests of Orthanc's requests to it. It records them. */
export class Listener {
  readonly requests: ReceivedRequest[] = [];
  answer: ListenerResponse = { status: 202, body: '{"queued":true}' };
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  /** After `close`, it listens on the same port again. */
  async listen(): Promise<this> {
    this.#server = createServer(async (request, response) => {
      const { method = '', url = '', headers } = request;
      this.requests.push({ method, url, headers, body: await text(request) });
      if (this.answer === 'never') return;
      response.writeHead(this.answer.status, this.answer.headers).end(this.answer.body);
    });
    this.#port = Number(new URL(await listen(this.#server, this.#port)).port);
    return this;
  }

  async close(): Promise<void> {
    if (this.#server !== undefined) await close(this.#server);
    this.#server = undefined;
  }
}
