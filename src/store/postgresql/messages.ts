import type { Logger } from 'pino';
import { sleep } from '../../async/sleep.js';
import { asPlainviewError } from '../../errors/errors.js';
import type { Database } from './database.js';
import type { Membership } from './membership.js';

/** Between two looks for messages, milliseconds. */
const lookMs = 250;
/** Messages that are read, or written, together. */
const batchSize = 500;
/** Messages that wait while the database is away. Then the oldest are lost: nothing but figures and pages depends on them. */
const mostUnsent = 10_000;

/** Of the term $1. */
const isLeader = 'EXISTS (SELECT FROM plainview.leader WHERE term = $1)';

/** What the processes of an archive tell the leader. A message is read once, or once more where the leader dies. */
export class Messages {
  readonly #database: Database;
  readonly #membership: Pick<Membership, 'term'>;
  readonly #log: Logger;
  readonly #unsent: string[] = [];
  #sending = false;

  constructor(database: Database, membership: Pick<Membership, 'term'>, log: Logger) {
    this.#database = database;
    this.#membership = membership;
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
          `SELECT id::text AS id, content FROM plainview.messages m WHERE ${isLeader} ORDER BY m.id LIMIT ${batchSize}`,
          [this.#membership.term],
        );
        count = rows.length;
        for (const { content } of rows)
          try {
            onMessage(JSON.parse(content));
          } catch (error) {
            this.#log.warn(
              { err: asPlainviewError(error) },
              'a message of another process could not be used',
            );
          }
        // Only now: an answer of the database can be lost, and a process that wakes up may lead no longer.
        if (count > 0)
          await this.#database.query(`DELETE FROM plainview.messages WHERE ${isLeader} AND id = ANY($2)`, [
            this.#membership.term,
            rows.map(({ id }) => id),
          ]);
      } catch (error) {
        this.#log.debug({ err: asPlainviewError(error) }, 'messages could not be read');
      }
      if (count < batchSize) await sleep(lookMs, signal);
    }
  }
}
