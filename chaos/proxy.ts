import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What can become of a request, and how many in a thousand it strikes. */
const fates = {
  /** Cut before Orthanc saw it. */
  lost: 15,
  /** Orthanc did it, but the answer never comes. */
  unanswered: 15,
  /** The answer breaks off in its middle. */
  truncated: 15,
  delayed: 40,
  /** Sent to Orthanc twice. */
  replayed: 40,
  /** Sent on only after the client has given up and asked again. */
  late: 3,
  /** A proxy's own answer. */
  unavailable: 15,
} as const;
export type Fate = keyof typeof fates;

interface Forwarded {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** Stands between the service and Orthanc, as a bad network and a tired reverse proxy would. */
export class BadProxy {
  readonly struck: Record<Fate, number> = {
    lost: 0,
    unanswered: 0,
    truncated: 0,
    delayed: 0,
    replayed: 0,
    late: 0,
    unavailable: 0,
  };
  requests = 0;
  /** While false, everything goes through. */
  bad = true;
  readonly #target: string;
  readonly #random: () => number;
  readonly #lateMs: number;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server = createServer((incoming, outgoing) => {
    this.#serve(incoming, outgoing).catch(() => incoming.socket.destroy());
  });

  /** @param lateMs more than the client's patience */
  constructor(target: string, random: () => number, lateMs: number) {
    this.#target = target;
    this.#random = random;
    this.#lateMs = lateMs;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#agent.destroy();
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    this.requests++;
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const forward = () => this.#forward(incoming, Buffer.concat(chunks));
    const fate = this.#fate();
    if (fate !== undefined) this.struck[fate]++;
    if (fate === 'lost') return void incoming.socket.destroy();
    if (fate === 'unavailable') return void outgoing.writeHead(503).end('<h1>Service Unavailable</h1>');
    if (fate === 'delayed') await delay(50 + 500 * this.#random());
    if (fate === 'late') await delay(this.#lateMs);
    if (fate === 'replayed') await forward();
    const { status, headers, body } = await forward();
    if (fate === 'unanswered') return void incoming.socket.destroy();
    outgoing.writeHead(status, headers);
    if (fate !== 'truncated') return void outgoing.end(body);
    outgoing.write(body.subarray(0, Math.floor(body.length * this.#random())), () =>
      incoming.socket.destroy(),
    );
  }

  #fate(): Fate | undefined {
    if (!this.bad) return undefined;
    let chance = 1000 * this.#random();
    for (const [fate, share] of Object.entries(fates)) {
      chance -= share;
      if (chance < 0) return fate as Fate;
    }
    return undefined;
  }

  #forward({ method, url, headers }: IncomingMessage, body: Buffer): Promise<Forwarded> {
    return new Promise((resolve, reject) => {
      const onward = request(
        `${this.#target}${url}`,
        { method, headers, agent: this.#agent },
        async (answer) => {
          const chunks: Buffer[] = [];
          for await (const chunk of answer) chunks.push(chunk as Buffer);
          // The body goes on in one piece, so its length is known, and a cut is seen as one.
          const { 'transfer-encoding': _, ...rest } = answer.headers;
          const whole = Buffer.concat(chunks);
          resolve({
            status: answer.statusCode ?? 502,
            headers: { ...rest, 'content-length': String(whole.length) },
            body: whole,
          });
        },
      );
      onward.on('error', reject);
      onward.end(body);
    });
  }
}
