import type { Logger } from 'pino';
import { sleep } from '../../async/sleep.js';
import { asPlainviewError } from '../../errors/errors.js';
import type { Database } from './database.js';

/** Between two looks for messages, milliseconds. */
const lookMs = 250;
/** Messages that are read, or written, together. */
const batchSize = 500;
/** Messages that wait while the database is away. Then the oldest are lost: nothing but figures and pages depends on them. */
const mostUnsent = 10_000;

/** What the processes of an archive tell the leader. A message is read once. */
export class Messages {
  readonly #database: Database;
  readonly #log: Logger;
  readonly #unsent: string[] = [];
  #sending = false;

  constructor(database: Database, log: Logger) {
    this.#database = database;
    this.#log = log;
  }

  publish(content: unknown): void {
    this.#unsent.push(JSON.stringify(content));
    if (this.#unsent.length > mostUnsent) this.#unsent.shift();
    if (!this.#sending) void this.#send();
  }

  receive(onMessage: (content: unknown) => void): { stop(): Promise<void> } {
    const stopped = new AbortController();
    const receiving = this.#receive(onMessage, stopped.signal);
    return {
      stop: () => {
        stopped.abort();
        return receiving;
      },
    };
  }

  async #send(): Promise<void> {
    this.#sending = true;
    while (this.#unsent.length > 0) {
      const batch = this.#unsent.splice(0, batchSize);
      try {
        await this.#database.query('INSERT INTO plainview.messages (content) SELECT unnest($1::text[])', [
          batch,
        ]);
      } catch (error) {
        this.#unsent.unshift(...batch);
        this.#log.debug({ err: asPlainviewError(error) }, 'messages to the leader wait');
        if (this.#database.closed.aborted) break;
        await sleep(1000, this.#database.closed);
      }
    }
    this.#sending = false;
  }

  async #receive(onMessage: (content: unknown) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let count = 0;
      try {
        const { rows } = await this.#database.query<{ id: string; content: string }>(
          `DELETE FROM plainview.messages WHERE id IN (SELECT id FROM plainview.messages ORDER BY id LIMIT ${batchSize})
           RETURNING id::text AS id, content`,
        );
        count = rows.length;
        const inOrder = rows.toSorted((a, b) => Number(BigInt(a.id) - BigInt(b.id)));
        for (const { content } of inOrder)
          try {
            onMessage(JSON.parse(content));
          } catch (error) {
            this.#log.warn(
              { err: asPlainviewError(error) },
              'a message of another process could not be used',
            );
          }
      } catch (error) {
        this.#log.debug({ err: asPlainviewError(error) }, 'messages could not be read');
      }
      if (count < batchSize) await sleep(lookMs, signal);
    }
  }
}
