import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '../config/options.js';
import { createError } from '../errors/errors.js';

/** What callers may hold. Without limits, callers that send nothing use up descriptors and memory. */
export interface ConnectionLimits {
  /** Connections at one time. More are closed at once. */
  most: number;
  /** From the start of a request to the end of its headers, milliseconds. It also bounds a connection without a request. */
  headersMs: number;
  /** From the start of a request to the end of its body, milliseconds. */
  requestMs: number;
}

/** Pages and Orthanc hold a few connections each. Requests are small, and come from the same site. */
const defaultLimits: ConnectionLimits = { most: 1000, headersMs: 10_000, requestMs: 60_000 };

/** The HTTP server. A proxy in front of it provides TLS. */
export class HttpServer {
  readonly #server: Server;
  readonly #address: Pick<Config, 'host' | 'port'>;
  /** Answers the requests. Another one gets those that come from now on; connections and running requests stay. */
  app: RequestListener;

  /** @param limits other than the default in tests alone */
  constructor(app: RequestListener, address: Pick<Config, 'host' | 'port'>, limits = defaultLimits) {
    const { most, headersMs, requestMs } = limits;
    const times = { headersTimeout: headersMs, requestTimeout: requestMs };
    this.app = app;
    this.#server = createServer({ ...times, connectionsCheckingInterval: headersMs / 2 }, (...exchange) =>
      this.app(...exchange),
    );
    this.#server.maxConnections = most;
    this.#address = address;
  }

  /** The address at which it listens, after the start. */
  get url(): string {
    // The address of an IP server is never a string.
    const { port } = this.#server.address() as AddressInfo;
    const { host } = this.#address;
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  get isListening(): boolean {
    return this.#server.listening;
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
