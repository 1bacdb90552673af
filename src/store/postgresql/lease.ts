import type { Logger } from 'pino';
import { sleep } from '../../async/sleep.js';
import { asPlainviewError, createError, type PlainviewError } from '../../errors/errors.js';
import type { Database } from './database.js';

/** Without a renewal for so long, another process may take the lease. By the clock of the database alone. */
const lastsSeconds = 10;
const renewMs = 3000;
/** Between two tries to take it. */
const tryMs = 1000;

export interface Holder {
  who: string;
  /** ISO 8601. */
  since: string;
}

/**
 * The right to work on an archive. One process has it at a time, for a *term*, whose number grows with each holder. What
 * is written to the database names its term, and is refused when another has begun: a process that was suspended, and
 * wakes up, changes nothing.
 */
export class Lease {
  readonly term: string;
  readonly #database: Database;
  readonly #log: Logger;
  readonly #released = new AbortController();
  #onLost: (error: PlainviewError) => void = () => undefined;
  /** Resolves when another process has taken the lease. */
  readonly lost = new Promise<PlainviewError>((resolve) => {
    this.#onLost = resolve;
  });

  private constructor(database: Database, term: string, log: Logger) {
    this.#database = database;
    this.term = term;
    this.#log = log;
  }

  /**
   * Waits until nobody has the lease.
   * @param who names this process to others, and no other process
   * @param onHolder is told who has it, whenever that changes
   * @returns undefined where the signal ended the wait
   */
  static async take(
    database: Database,
    who: string,
    { onHolder, signal, log }: { onHolder: (holder: Holder) => void; signal: AbortSignal; log: Logger },
  ): Promise<Lease | undefined> {
    let known = '';
    while (!signal.aborted) {
      try {
        const taken = await database.query<{ term: string }>(
          `UPDATE plainview.lease
           SET term = term + 1, holder = $1, since = now(), expires = now() + $2 * interval '1 second'
           WHERE expires < now() OR holder = $1 RETURNING term::text AS term`,
          [who, lastsSeconds],
        );
        const [mine] = taken.rows;
        if (mine !== undefined) {
          const lease = new Lease(database, mine.term, log);
          void lease.#keep();
          return lease;
        }
        const holder = await holderOf(database);
        if (holder !== undefined && holder.who + holder.since !== known) {
          known = holder.who + holder.since;
          onHolder(holder);
        }
      } catch (caught) {
        const error = asPlainviewError(caught);
        // The database says itself when it goes and comes.
        if (!error.transient) throw error;
      }
      await sleep(tryMs, signal);
    }
    return undefined;
  }

  /** To be called where a write was refused for its term. */
  async lose(): Promise<PlainviewError> {
    const holder = await holderOf(this.#database).catch(() => undefined);
    const error = createError('lease_lost', { holder: holder?.who ?? 'another process' });
    this.#released.abort();
    this.#onLost(error);
    return error;
  }

  /** Lets another process take it at once. */
  async release(): Promise<void> {
    if (this.#released.signal.aborted) return;
    this.#released.abort();
    await this.#database
      .query("UPDATE plainview.lease SET expires = '-infinity' WHERE term = $1", [this.term])
      .catch((error: unknown) =>
        this.#log.warn(
          { err: error },
          `the lease could not be given back: it ends in ${lastsSeconds} seconds`,
        ),
      );
  }

  async #keep(): Promise<void> {
    const { signal } = this.#released;
    for (;;) {
      await sleep(renewMs, signal);
      if (signal.aborted) return;
      try {
        const renewed = await this.#database.query(
          `UPDATE plainview.lease SET expires = now() + $2 * interval '1 second' WHERE term = $1`,
          [this.term, lastsSeconds],
        );
        if (renewed.count === 0) await this.lose();
      } catch (error) {
        // While the database is away, nobody else can take the lease.
        this.#log.debug({ err: error }, 'the lease could not be renewed');
      }
    }
  }
}

/** @returns undefined where nobody has it now */
export async function holderOf(database: Database): Promise<Holder | undefined> {
  const { rows } = await database.query<{ holder: string; since: Date }>(
    'SELECT holder, since FROM plainview.lease WHERE expires >= now()',
  );
  const [held] = rows;
  return held && { who: held.holder, since: held.since.toISOString() };
}
