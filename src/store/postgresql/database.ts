import { Pool, type QueryResultRow } from 'pg';
import type { Logger } from 'pino';
import { sleep } from '../../async/sleep.js';
import { createError, PlainviewError } from '../../errors/errors.js';
import { migrate } from './migrations.js';

/** A statement that gets no answer for so long has failed, milliseconds. */
const longestMs = 10_000;
/** Statements are tried again for so long while the database is away: a restart takes a few seconds. */
const patienceMs = 5000;
const retryMs = 250;

/** SQLSTATE of a server that has no connection left, stops, or starts, or has just closed an idle connection. */
const awayStates = ['53300', '57P01', '57P02', '57P03', '57P05'];
/** SQLSTATE of a statement that PostgreSQL gave up for the sake of another one: a serialization failure, a deadlock. */
const conflictStates = ['40001', '40P01'];
/** What Node.js says of a network that fails. */
const awayCodes = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
];

/**
 * For a statement of which nothing must outlast a crash of PostgreSQL: its writing to the disk is not waited for. The
 * function applies to the transaction of the statement alone.
 */
export const unsynced = `unsynced AS (SELECT set_config('synchronous_commit', 'off', true))`;

/** The connections to PostgreSQL. Its outages are told once at their start and once at their end. */
export class Database {
  /** Names the database in messages: its address, without user and password. */
  readonly place: string;
  /**
   * The job engine's own connections. What it has done is not waited for until it is on the disk: where PostgreSQL crashes,
   * a job is done once more.
   */
  readonly jobs: Pool;
  readonly #pool: Pool;
  /** One connection that nothing else uses: a membership is renewed also while all others are in use. */
  readonly #renewals: Pool;
  readonly #log: Logger;
  readonly #closed = new AbortController();
  #isAway = false;

  private constructor(url: string, log: Logger) {
    this.place = placeOf(url);
    this.#log = log;
    const options = {
      connectionString: url,
      application_name: 'plainview',
      max: 5,
      keepAlive: true,
      connectionTimeoutMillis: longestMs,
      query_timeout: longestMs,
      statement_timeout: longestMs,
    };
    this.#pool = new Pool({ ...options, max: 4 });
    this.#renewals = new Pool({ ...options, max: 1 });
    this.jobs = new Pool({ ...options, options: '-c synchronous_commit=off' });
    // The engine learns it from its statement. Without a listener, Node.js ends the process.
    this.jobs.on('connect', (client) => client.on('error', () => undefined));
    // An idle connection that breaks. The next statement opens another one. `pg` adds its own state to the error.
    for (const pool of [this.#pool, this.#renewals, this.jobs])
      pool.on('error', ({ message }) => log.debug({ why: message }, 'a connection to the database broke'));
  }

  /**
   * Connects, and brings the tables up to date. It waits for a database that is away.
   * @param signal ends the wait
   * @throws database_refused, database_too_old, database_newer, database_unusable after the signal
   */
  static async open(url: string, log: Logger, signal: AbortSignal): Promise<Database> {
    const database = new Database(url, log);
    try {
      for (;;)
        try {
          await migrate(database.#pool, log);
          database.#answered();
          return database;
        } catch (error) {
          if (!isAway(error)) throw database.#refusal(error);
          database.#isGone(error);
          await sleep(1000, signal);
          if (signal.aborted) throw database.#translate(error);
        }
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /** One statement, which is a transaction. It must be safe to repeat. @throws database_unusable */
  query<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<{ rows: Row[]; count: number }> {
    return this.#query(this.#pool, text, values);
  }

  /** As `query`, for the renewal of the membership alone. @throws database_unusable */
  renew<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[],
  ): Promise<{ rows: Row[]; count: number }> {
    return this.#query(this.#renewals, text, values);
  }

  async #query<Row extends QueryResultRow>(
    pool: Pool,
    text: string,
    values: readonly unknown[],
  ): Promise<{ rows: Row[]; count: number }> {
    const began = performance.now();
    for (;;)
      try {
        const { rows, rowCount } = await pool.query<Row>(text, [...values]);
        this.#answered();
        return { rows, count: rowCount ?? 0 };
      } catch (error) {
        if (isAway(error)) this.#isGone(error);
        const isOver = performance.now() - began > patienceMs || this.#closed.signal.aborted;
        const mayRepeat = isAway(error) || conflictStates.includes(codeOf(error));
        if (!mayRepeat || isOver) throw this.#translate(error);
        await sleep(retryMs, this.#closed.signal);
      }
  }

  /** Whether it did not answer the last statement. The log says so already. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Aborted when it is closed. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    // The job engine gives its connections back when it stops, which may wait for a job.
    void this.jobs.end();
    await Promise.all([this.#pool.end(), this.#renewals.end()]);
  }

  #answered(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#log.info({ database: this.place }, 'the database answers');
  }

  #isGone(error: unknown): void {
    if (!this.#isAway) this.#log.warn(this.#translate(error).message);
    this.#isAway = true;
  }

  #translate(error: unknown): PlainviewError {
    if (error instanceof PlainviewError) return error;
    return createError('database_unusable', { place: this.place, why: whyOf(error) }, error);
  }

  /** At the start, what waiting does not mend ends it. Later, somebody may mend it meanwhile. */
  #refusal(error: unknown): PlainviewError {
    if (error instanceof PlainviewError) return error;
    return createError('database_refused', { place: this.place, why: whyOf(error) }, error);
  }
}

export const whyOf = (error: unknown): string => (error as Error).message || codeOf(error);
const codeOf = (error: unknown): string => String((error as { code?: unknown }).code ?? 'it does not answer');

export function isAway(error: unknown): boolean {
  const code = codeOf(error);
  const { message, syscall } = error as NodeJS.ErrnoException;
  return (
    awayCodes.includes(code) ||
    // A server that is stopped has no socket.
    (code === 'ENOENT' && syscall === 'connect') ||
    awayStates.includes(code) ||
    /^08[0-9A-Z]{3}$/.test(code) ||
    // What `pg` says without a code.
    /timeout|Connection terminated|not queryable/i.test(message)
  );
}

export function placeOf(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname || 'the local socket'}${port === '' ? '' : `:${port}`}${pathname}`;
}
