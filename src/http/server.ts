import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '../config/options.js';
import { createError } from '../errors/errors.js';

/** The HTTP server. A proxy in front of it provides TLS. */
export class HttpServer {
  readonly #server: Server;
  readonly #address: Pick<Config, 'host' | 'port'>;

  constructor(app: RequestListener, address: Pick<Config, 'host' | 'port'>) {
    this.#server = createServer(app);
    this.#address = address;
  }

  /** The address at which it listens, after the start. */
  get url(): string {
    // The address of an IP server is never a string.
    const { port } = this.#server.address() as AddressInfo;
    const { host } = this.#address;
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  /** @throws cannot_listen */
  async start(): Promise<void> {
    const { host, port } = this.#address;
    this.#server.listen(port, host);
    try {
      await once(this.#server, 'listening');
    } catch (error) {
      throw createError('cannot_listen', { host, port, why: (error as Error).message }, error);
    }
  }

  /** Accepts no more requests, and waits for the running ones. After the deadline it closes their connections. */
  async stop(deadline: AbortSignal): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const cutOff = () => this.#server.closeAllConnections();
    if (deadline.aborted) cutOff();
    else deadline.addEventListener('abort', cutOff, { once: true });
    await closed;
  }
}
