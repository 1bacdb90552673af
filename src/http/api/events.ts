import type { Response } from 'express';
import type { Caller } from '../../access/caller.js';
import { type DecidedEvent, decidedEvent, type Status } from '../../contract/review.js';
import type { Recorded } from '../../decisions/record-writer.js';
import { createError } from '../../errors/errors.js';
import { type Operation, operation } from './operation.js';

const maxListeners = 100;
const maxListenersPerCaller = 10;
const heartbeatMs = 15_000;
const statusMs = 5000;
/** A listener with more unread bytes is disconnected. It connects again, and the worklist shows the missed decisions. */
const maxUnreadBytes = 256 * 1024;

/** Server-sent events: each decision when it is recorded, and the service's state every few seconds. */
export class Events {
  readonly #listeners = new Map<Response, string>();
  readonly #status: (listeners: number) => Status;
  readonly #timers: NodeJS.Timeout[];
  #closed = false;

  /** @param status returns the state of the service, given the number of listeners */
  constructor(status: (listeners: number) => Status) {
    this.#status = status;
    this.#timers = [
      setInterval(() => this.#send(': still here\n\n'), heartbeatMs).unref(),
      setInterval(() => {
        if (this.#listeners.size > 0) this.#send(formatEvent('status', this.status()));
      }, statusMs).unref(),
    ];
  }

  status(): Status {
    return this.#status(this.#listeners.size);
  }

  recorded({ instance, study, record }: Recorded): void {
    this.decided(decidedEvent.parse({ ...record, instance, study }));
  }

  decided(event: DecidedEvent): void {
    this.#send(formatEvent('decided', event));
  }

  /** @returns a promise that resolves when the listener has disconnected @throws busy */
  async listen({ who, how }: Caller, response: Response): Promise<void> {
    const caller = `${how} ${who}`;
    const own = [...this.#listeners.values()].filter((each) => each === caller).length;
    if (this.#closed || this.#listeners.size >= maxListeners || own >= maxListenersPerCaller)
      throw createError('busy', {});
    response.status(200).set({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      // Otherwise nginx buffers the events.
      'x-accel-buffering': 'no',
    });
    if (response.req.method === 'HEAD') {
      response.end();
      return;
    }
    this.#listeners.set(response, caller);
    const disconnected = new Promise<void>((resolve) => response.on('close', resolve));
    response.write(`retry: 3000\n\n${formatEvent('status', this.status())}`);
    await disconnected;
    this.#listeners.delete(response);
  }

  /** Ends the connections, so that the server can stop. */
  stop(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const response of this.#listeners.keys()) response.end();
  }

  #send(text: string): void {
    for (const response of this.#listeners.keys())
      if (response.writableLength > maxUnreadBytes) response.destroy();
      else response.write(text);
  }
}

const formatEvent = (event: string, data: object): string =>
  `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

export const eventOperations = (events: Events): Operation[] => [
  operation({
    id: 'events',
    tag: 'service',
    method: 'get',
    path: '/api/v1/events',
    summary: 'A stream of events: `decided` for each decision, and `status` every few seconds',
    role: 'viewer',
    media: 'text/event-stream',
    send: ({ caller }, response) => events.listen(caller, response),
  }),
];
