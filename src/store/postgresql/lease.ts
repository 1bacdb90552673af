import type { Logger } from 'pino';
import { sleep } from '../../async/sleep.js';
import { asPlainviewError, createError, type PlainviewError } from '../../errors/errors.js';
import type { Database } from './database.js';

/** Without a renewal for so long, another process may take the lease. By the clock of the database alone. */
const lastsSeconds = 10;
const renewMs = 3000;
/** After an outage of the database, who had the lease before has so long to renew it. */
const afterOutageMs = 2 * renewMs;
/** Between two tries to take it. */
const tryMs = 1000;

/** The row of the term, locked: so a change is either made before another term begins, or not at all. */
export const inTerm = 'SELECT 1 FROM plainview.lease WHERE term = $1 FOR SHARE';

export interface Holder {
  who: string;
  /** ISO 8601. */
  since: string;
}

interface Term {
  /** A bigint. */
  term: string;
  since: Date;
}

/**
 * The right to work on an archive. One process has it at a time, for a *term*, whose number grows with each holder. What
 * is written to the database names its term, and is refused when another has begun: a process that was suspended, and
 * wakes up, changes nothing.
 */
export class Lease {
  readonly term: string;
  /** When the term began, by the clock of the database: ISO 8601. */
  readonly since: string;
  readonly #database: Database;
  readonly #log: Logger;
  readonly #released = new AbortController();
  #onLost: (error: PlainviewError) => void = () => undefined;
  /** Resolves when another process has taken the lease. */
  readonly lost = new Promise<PlainviewError>((resolve) => {
    this.#onLost = resolve;
  });

  private constructor(database: Database, { term, since }: Term, log: Logger) {
    this.#database = database;
    this.term = term;
    this.since = since.toISOString();
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
    let problem = '';
    for (; !signal.aborted; await sleep(tryMs, signal))
      try {
        const holder = await holderOf(database);
        if (holder !== undefined && holder.who !== who) {
          if (holder.who + holder.since !== known) onHolder(holder);
          known = holder.who + holder.since;
          continue;
        }
        // During an outage its holder could not renew it either.
        const endedInOutage = performance.now() - database.backSince < afterOutageMs;
        const { rows } = await database.query<Term>(
          `UPDATE plainview.lease
           SET term = term + 1, holder = $1, since = now(), expires = now() + $2 * interval '1 second'
           WHERE holder = $1 OR expires = '-infinity' OR (expires < now() AND NOT $3)
           RETURNING term::text AS term, since`,
          [who, lastsSeconds, endedInOutage],
        );
        const [mine] = rows;
        if (mine !== undefined) {
          const lease = new Lease(database, mine, log);
          void lease.#keep();
          return lease;
        }
      } catch (caught) {
        const error = asPlainviewError(caught);
        if (!error.transient) throw error;
        if (!database.isAway && error.message !== problem) {
          problem = error.message;
          log.warn({ err: error }, problem);
        }
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
