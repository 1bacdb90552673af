import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { asPlainviewError } from '../errors/errors.js';
import { type Webhook, WebhookClient } from '../webhook/client.js';
import type { Change, Drift } from './drift.js';

const defaultRetryMs = 60_000;

/** Tells a webhook of each change. One that could not be told is told later, also after a restart. */
export class Notifier {
  readonly #drift: Drift;
  readonly #client: WebhookClient;
  readonly #log: Logger;
  readonly #retryMs: number;
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #telling: Promise<void> | undefined;

  /** @param retryMs other than the default in tests alone */
  constructor(drift: Drift, webhook: Webhook, log: Logger, retryMs = defaultRetryMs) {
    this.#drift = drift;
    this.#client = new WebhookClient(webhook);
    this.#log = log;
    this.#retryMs = retryMs;
  }

  start(): void {
    this.#drift.events.on('changed', this.#tell);
    this.#timer = setInterval(this.#tell, this.#retryMs);
    this.#tell();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    clearInterval(this.#timer);
    this.#drift.events.off('changed', this.#tell);
    await this.#telling;
    this.#client.close();
  }

  readonly #tell = (): void => {
    this.#telling ??= this.#tellAll().finally(() => {
      this.#telling = undefined;
    });
  };

  async #tellAll(): Promise<void> {
    for (const change of this.#drift.changes.filter(({ told }) => !told)) {
      const { told: _, when, ...data } = change;
      try {
        await this.#client.post(
          { id: idOf(change), type: 'radiograph.drift', timestamp: when, data },
          this.#stopped.signal,
        );
        this.#drift.told(change);
      } catch (caught) {
        // Without its cause: the error of axios holds the whole request.
        const { message } = caught instanceof Error ? caught : asPlainviewError(caught);
        if (!this.#stopped.signal.aborted)
          this.#log.warn({ why: message }, 'the webhook could not be told of a change: it is told later');
        return;
      }
    }
  }
}

/** The same for the same change, so that the receiver detects a repetition. */
const idOf = ({ station, category, signal, when }: Change): string =>
  `plainview_${createHash('sha256')
    .update([station, category ?? '', signal, when].join('\n'))
    .digest('hex')
    .slice(0, 32)}`;
