import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { answerHeader, answerMac, signatureHeader } from '../src/access/signature.js';
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
  /** Where given, answers are signed with it, as the service signs those to Orthanc's plugin. */
  readonly #secret: string | undefined;
  #server: Server | undefined;
  #port = 0;

  constructor(secret?: string) {
    this.#secret = secret;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  /** After `close`, it listens on the same port again. */
  async listen(port = this.#port): Promise<this> {
    this.#server = createServer(async (request, response) => {
      const { method = '', url = '', headers } = request;
      this.requests.push({ method, url, headers, body: await text(request) });
      if (this.answer === 'never') return;
      const { status, body, headers: answered = {} } = this.answer;
      const type = String(answered['content-type'] ?? '');
      const signature = String(headers[signatureHeader]);
      if (this.#secret !== undefined)
        response.setHeader(
          answerHeader,
          answerMac(this.#secret, signature, { status, type, body: status === 304 ? '' : body }),
        );
      response.writeHead(status, answered).end(body);
    });
    this.#port = Number(new URL(await listen(this.#server, port)).port);
    return this;
  }

  async close(): Promise<void> {
    if (this.#server !== undefined) await close(this.#server);
    this.#server = undefined;
  }
}
