import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HeardRequest {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** How to answer: a status with a body, or never. */
export type Answer = { status: number; body: string; headers?: OutgoingHttpHeaders } | 'never';

/** Stands in for the service where only what Orthanc sends it is under test. */
export class Listener {
  readonly heard: HeardRequest[] = [];
  answer: Answer = { status: 202, body: '{"queued":true}' };
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  /** Again on the same port after `close`. */
  async listen(): Promise<this> {
    this.#server = createServer((request, response) => {
      const { method = '', url = '', headers } = request;
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (text: string) => {
        body += text;
      });
      request.on('end', () => {
        this.heard.push({ method, url, headers, body });
        if (this.answer === 'never') return;
        response.writeHead(this.answer.status, this.answer.headers).end(this.answer.body);
      });
    });
    await new Promise<void>((resolve) => this.#server?.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => (this.#server ? this.#server.close(resolve) : resolve(undefined)));
    this.#server = undefined;
  }
}
