import { sleep } from '../../async/sleep.js';
import { LocalLocks } from '../local-locks.js';
import type { LockKind, Locks } from '../locks.js';
import { type Database, unsynced } from './database.js';
import type { Membership } from './membership.js';

/** Between two tries to take a lock that another process holds: at first, and at most. Milliseconds. */
const firstWaitMs = 4;
const longestWaitMs = 100;
/** Between two tries to release one while the database is away. */
const retryMs = 1000;

/**
 * Locks across the processes of an archive. Each is a row that names its holder's term: once that membership has ended,
 * whoever wants the lock takes it over.
 */
export class SharedLocks implements Locks {
  readonly #database: Database;
  readonly #membership: Membership;
  /** Tasks of this process wait for each other here, not at the database. */
  readonly #local = new LocalLocks();
  /** Tells one hold of this process from another. */
  #holds = 0;

  constructor(database: Database, membership: Membership) {
    this.#database = database;
    this.#membership = membership;
  }

  exclusive<T>(kind: LockKind, id: string, task: () => Promise<T>): Promise<T> {
    return this.#local.exclusive(kind, id, () => this.#held(`${kind} ${id}`, task));
  }

  shared(kind: LockKind, id: string, task: () => Promise<void>): Promise<void> {
    return this.#local.shared(kind, id, () => this.#held(`${kind} ${id}`, task));
  }

  async #held<T>(key: string, task: () => Promise<T>): Promise<T> {
    const hold = ++this.#holds;
    try {
      for (let ms = firstWaitMs; !(await this.#take(key, hold)); ms = Math.min(2 * ms, longestWaitMs)) {
        if (!(await this.#isMember())) throw await this.#membership.lose();
        // At random, so that those that wait do not ask at the same moments.
        await sleep(ms * (0.5 + Math.random()), this.#membership.ended);
      }
    } catch (error) {
      // It may be taken all the same: no answer came.
      void this.#releaseLater(key, hold);
      throw error;
    }
    try {
      return await task();
    } finally {
      await this.#release(key, hold).catch(() => void this.#releaseLater(key, hold));
    }
  }

  /** @returns whether it is held now */
  async #take(key: string, hold: number): Promise<boolean> {
    const { count } = await this.#database.query(
      `WITH ${unsynced}
       INSERT INTO plainview.locks AS l (key, term, hold)
       SELECT $1, m.term, $3 FROM plainview.members m, unsynced WHERE m.term = $2
       ON CONFLICT (key) DO UPDATE SET term = excluded.term, hold = excluded.hold
       WHERE (l.term = excluded.term AND l.hold = excluded.hold)
         OR NOT plainview.is_member(l.term)`,
      [key, this.#membership.term, hold],
    );
    return count > 0;
  }

  async #isMember(): Promise<boolean> {
    const { count } = await this.#database.query('SELECT FROM plainview.members WHERE term = $1', [
      this.#membership.term,
    ]);
    return count > 0;
  }

  async #release(key: string, hold: number): Promise<void> {
    await this.#database.query(
      `WITH ${unsynced}
       DELETE FROM plainview.locks USING unsynced WHERE key = $1 AND term = $2 AND hold = $3`,
      [key, this.#membership.term, hold],
    );
  }

  /** Until then, tasks of this process wait for it as well: each hold is another one. */
  async #releaseLater(key: string, hold: number): Promise<void> {
    const { ended } = this.#membership;
    while (!ended.aborted) {
      await sleep(retryMs, ended);
      try {
        return await this.#release(key, hold);
      } catch {
        // The database's outage is logged.
      }
    }
  }
}
