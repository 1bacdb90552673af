import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { pino } from 'pino';
import { createApp } from '../src/http/app.js';
import { type ForwardTo, forwarder } from '../src/http/forward.js';
import { close, listen } from './loopback.js';
import { waitFor } from './wait-for.js';

export const secret = 'a-secret-of-the-tests';
export const silent = pino({ level: 'silent' });

/** Servers on loopback: leaders, and processes that forward to them. */
export class Forwarding {
  /** What the forwarders have logged. */
  readonly lines: string[] = [];
  readonly #log = pino({ level: 'info' }, { write: (line: string) => void this.lines.push(line) });
  readonly #servers: Server[] = [];

  /** @returns its address */
  async serve(app: RequestListener): Promise<string> {
    const server = createServer(app);
    this.#servers.push(server);
    return listen(server);
  }

  /** Starts a process that forwards. @returns its address */
  member(leader: () => ForwardTo | undefined, options: { silenceMs?: number } = {}): Promise<string> {
    return this.serve(createApp([forwarder({ leader, secret, log: this.#log, ...options })], silent));
  }

  /** Starts a leader, and a process that forwards to it. @returns the address of the latter */
  async through(app: RequestListener): Promise<string> {
    const url = await this.serve(app);
    return this.member(() => ({ url }));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.splice(0).map(close));
  }
}

/** Sends bytes as they are. */
export const sendRaw = (url: string, bytes: string): Socket =>
  createConnection(Number(new URL(url).port), '127.0.0.1')
    .on('error', () => undefined)
    .setEncoding('latin1')
    .setDefaultEncoding('latin1')
    .on('connect', function (this: Socket) {
      this.write(bytes);
    });
/** @returns all that comes until the connection is closed */
export const askRaw = (url: string, bytes: string): Promise<string> => text(sendRaw(url, bytes));

/** Unlike `fetch`: any method, the answer from its headers on, and nothing added. */
export async function ask(
  url: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<IncomingMessage> {
  const asking = request(url, { agent: false, method, headers }).end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  return answer;
}

export interface Received {
  line: string;
  headers: NodeJS.Dict<string[]>;
  body: Buffer;
}
/** A leader that notes what it receives. */
export function noting() {
  const received: Received[] = [];
  const app: RequestListener = async (incoming, response) => {
    const { method, url, headersDistinct: headers } = incoming;
    received.push({ line: `${method} ${url}`, headers, body: await buffer(incoming) });
    response.end('noted');
  };
  return { received, app };
}

/** Waits until the number has not changed for a while. */
export async function stands(...numbers: (() => number)[]): Promise<void> {
  let [last, same] = ['', 0];
  await waitFor(
    () => {
      const now = numbers.map((each) => each()).join();
      same = now === last ? same + 1 : 0;
      last = now;
      return same === 10;
    },
    { everyMs: 30 },
  );
}
