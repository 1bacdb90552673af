import type { Response } from 'express';
import type { Caller } from '../../access/caller.js';
import { type DecidedEvent, decidedEvent, type Status } from '../../contract/review.js';
import type { Recorded } from '../../decisions/recorder.js';
import { createError } from '../../errors/errors.js';
import { type Operation, operation } from './operation.js';

const mostListeners = 100;
const mostOfOneCaller = 10;
const heartbeatMs = 15_000;
const statusMs = 5000;
/** A listener that reads more slowly than this is disconnected. It connects again; the worklist shows what it missed. */
const mostUnread = 256 * 1024;

/** Server-sent events: each decision when it is recorded, and the service's state every few seconds. */
export class Events {
  readonly #listeners = new Map<Response, string>();
  readonly #status: (listeners: number) => Status;
  readonly #timers: NodeJS.Timeout[];
  #closed = false;

  /** @param status the state of the service, given how many listen to events */
  constructor(status: (listeners: number) => Status) {
    this.#status = status;
    this.#timers = [
      setInterval(() => this.#send(': still here\n\n'), heartbeatMs).unref(),
      setInterval(() => {
        if (this.#listeners.size > 0) this.#send(written('status', this.status()));
      }, statusMs).unref(),
    ];
  }

  status(): Status {
    return this.#status(this.#listeners.size);
  }

  recorded({ instance, study, record }: Recorded): void {
    this.decided(decidedEvent.parse({ ...record, instance, study }));
  }

  decided(news: DecidedEvent): void {
    this.#send(written('decided', news));
  }

  /** @returns a promise that settles when the listener has gone. @throws busy */
  async listen({ who, how }: Caller, response: Response): Promise<void> {
    const caller = `${how} ${who}`;
    const own = [...this.#listeners.values()].filter((each) => each === caller).length;
    if (this.#closed || this.#listeners.size >= mostListeners || own >= mostOfOneCaller)
      throw createError('busy', {});
    response.status(200).set({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      // nginx would hold the events back.
      'x-accel-buffering': 'no',
    });
    if (response.req.method === 'HEAD') {
      response.end();
      return;
    }
    this.#listeners.set(response, caller);
    const left = new Promise<void>((resolve) => response.on('close', resolve));
    response.write(`retry: 3000\n\n${written('status', this.status())}`);
    await left;
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
      if (response.writableLength > mostUnread) response.destroy();
      else response.write(text);
  }
}

const written = (event: string, data: object): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

export const eventOperations = (events: Events): Operation[] => [
  operation({
    id: 'events',
    method: 'get',
    path: '/api/v1/events',
    summary: 'What happens, as it happens: `decided` and `status`',
    role: 'viewer',
    media: 'text/event-stream',
    send: ({ caller }, response) => events.listen(caller, response),
  }),
];
