import { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import { SingleFlight } from '../../async/single-flight.js';
import { sleep } from '../../async/sleep.js';
import { createError, type PlainviewError } from '../../errors/errors.js';
import { Candidacy } from './candidacy.js';
import type { Database } from './database.js';
import { freeJobs, jobSchema } from './job-engine.js';
import type { Joining, Leader, Other, Seen } from './member.js';

/** Without a renewal for so long, a member counts as dead. By the clock of the database alone. */
const lastsSeconds = 10;
/** So long after a renewal a call to Orthanc may still begin, and have an effect before the membership can end. */
const trustedMs = 7000;
/** Between two renewals. */
const renewMs = 1000;
/** A member that could not renew for longer ends nobody: perhaps the database answered none of the others either. */
const hiccupMs = 3000;
/** They have so long after that to renew their membership. */
const afterHiccupMs = 6000;
/** Between two looks of the leader for jobs that nobody has. */
const freeMs = 10_000;

/** The row of the member, locked: so a change is either made before its membership ends, or not at all. */
export const ofMember = 'SELECT 1 FROM plainview.members WHERE term = $1 FOR KEY SHARE';

/**
 * The right to work on an archive. Each process has it for a *term*, renews it, and loses it where it does not: another
 * member then ends it, and frees what it held. What is written to the database names its term, and is refused once the
 * membership has ended: a process that was suspended, and wakes up, changes nothing. One member is the leader until its
 * membership ends.
 */
export class Membership {
  readonly who: string;
  /** A bigint. */
  readonly term: string;
  /**
   * `leads`: this process is the leader now, until its membership ends. `leader`: another one is. `ended`: that of a member
   * that died, told to the leader. `members`: how many there are has changed. `joined`: another one is seen for the
   * first time.
   */
  readonly events = new EventEmitter<{
    leads: [Leader];
    leader: [Leader];
    ended: [who: string];
    members: [number];
    joined: [Other];
  }>();
  readonly #database: Database;
  readonly #candidacy: Candidacy;
  readonly #log: Logger;
  readonly #left = new AbortController();
  /** Of this process, in the job engine: so that others can free their jobs. */
  readonly #workers = new Set<string>();
  /** Those that others know. */
  #announced: ReadonlySet<string> = new Set();
  /** One renewal at a time: an older one must not replace what a later one tells. */
  readonly #extending = new SingleFlight<'members'>();
  /** What failed the last time: the first is told. */
  readonly #failing = new Set<unknown>();
  #isMember = true;
  #renewedAt = performance.now();
  /** When the last renewal that succeeded was asked for. */
  #confirmedAt = performance.now();
  #endsNobodyUntil = -Infinity;
  #freedAt = -Infinity;
  #leader: Leader | undefined;
  #leads = false;
  #members = 1;
  /** The other members that were seen last. */
  #known: ReadonlySet<string> = new Set();
  #onLost: (error: PlainviewError) => void = () => undefined;
  /** Resolves when this membership was ended by another member. */
  readonly lost = new Promise<PlainviewError>((resolve) => {
    this.#onLost = resolve;
  });

  private constructor(database: Database, term: string, { who, log, ...joining }: Joining) {
    this.#database = database;
    this.#candidacy = new Candidacy({ ...joining, log });
    this.#log = log;
    this.who = who;
    this.term = term;
  }

  /** @throws database_unusable */
  static async join(database: Database, joining: Joining): Promise<Membership> {
    const { rows } = await database.query<{ term: string }>(
      `INSERT INTO plainview.members (who, url, expires, settings)
       VALUES ($1, $2, now() + $3 * interval '1 second', $4)
       ON CONFLICT (who) DO UPDATE SET expires = excluded.expires RETURNING term::text AS term`,
      [joining.who, joining.url, lastsSeconds, JSON.stringify(joining.settings ?? {})],
    );
    const membership = new Membership(database, rows[0]?.term ?? '', joining);
    void membership.#repeat(() => membership.#renew());
    void membership.#repeat(() => membership.#follow());
    return membership;
  }

  /** Aborted once this process has left, or its membership was ended. */
  get ended(): AbortSignal {
    return this.#left.signal;
  }

  /** Whether this process leads. */
  get leads(): boolean {
    return this.#leads;
  }

  /** Undefined where there is none, or it is not known yet. */
  get leader(): Leader | undefined {
    return this.#leader;
  }

  /** Waits until somebody leads. @returns who it is, and whether it is this process @throws lease_lost */
  async someLeads(): Promise<{ who: string; leads: boolean }> {
    if (this.ended.aborted) throw this.#isLost();
    if (this.#leader === undefined)
      await new Promise<unknown>((resolve, reject) => {
        this.events.once('leads', resolve);
        this.events.once('leader', resolve);
        this.ended.addEventListener('abort', () => reject(this.#isLost()), { once: true });
      });
    return { who: this.#leader?.who ?? 'another process', leads: this.#leads };
  }

  /** To be told whenever that changes. One that does not reach Orthanc leads only where no other one does. */
  reachesOrthanc(does: boolean): void {
    this.#candidacy.reachesOrthanc(does);
  }

  /** How many processes work on the archive, this one included. */
  get members(): number {
    return this.#members;
  }

  /** The workers of this process in the job engine. */
  get workers(): ReadonlySet<string> {
    return this.#workers;
  }

  addWorker(worker: string): void {
    this.#workers.add(worker);
  }

  /** Where it still holds a job, that becomes free. */
  removeWorker(worker: string): void {
    this.#workers.delete(worker);
  }

  /** To be called before a worker of this process takes a job. @throws lease_lost, database_unusable */
  async announceWorkers(): Promise<void> {
    if ([...this.#workers].every((worker) => this.#announced.has(worker))) return;
    await this.#extend();
    if (!this.#isMember) throw await this.lose();
  }

  /**
   * To be called before something is changed outside of the database. Where others may have ended the membership meanwhile,
   * it is renewed first: a process that was suspended, and wakes up, changes nothing there either.
   * @throws lease_lost, database_unusable
   */
  async confirm(): Promise<void> {
    if (performance.now() - this.#confirmedAt < trustedMs) return;
    await this.#extend();
    if (!this.#isMember) throw await this.lose();
  }

  /** To be called where a write was refused. */
  async lose(): Promise<PlainviewError> {
    const error = this.#isLost();
    // One that has left is refused too.
    if (!this.#left.signal.aborted) this.#onLost(error);
    this.#left.abort();
    return error;
  }

  /** Ends the membership: what this process held is free at once, and another one can lead. */
  async leave(): Promise<void> {
    if (this.#left.signal.aborted) return;
    this.#left.abort();
    await this.#database
      .query(endOf('term = $1'), [this.term])
      .catch((error: unknown) =>
        this.#log.warn(
          { err: error },
          `the membership could not be ended: it ends by itself in ${lastsSeconds} seconds`,
        ),
      );
  }

  #isLost(): PlainviewError {
    return createError('lease_lost', { who: this.who });
  }

  async #repeat(step: () => Promise<void>): Promise<void> {
    const { signal } = this.#left;
    for (; !signal.aborted; await sleep(renewMs, signal))
      try {
        await step();
        this.#failing.delete(step);
      } catch (error) {
        // An outage is told by the database. During it, nobody else can end the membership.
        if (this.#failing.size === 0 && !signal.aborted && !this.#database.isAway)
          this.#log.warn({ err: error }, 'the table of the members could not be used');
        this.#failing.add(step);
      }
  }

  async #renew(): Promise<void> {
    await this.#extend();
    if (this.#left.signal.aborted) return;
    if (!this.#isMember) return void (await this.lose());
    const now = performance.now();
    if (now - this.#renewedAt > hiccupMs) this.#endsNobodyUntil = now + afterHiccupMs;
    this.#renewedAt = now;
    // Right after it, and not at another time: the others could renew theirs a moment ago as well.
    if (now > this.#endsNobodyUntil) await this.#endDead();
  }

  /** Apart from the renewal: where the database is slow, that must not wait for this. */
  async #follow(): Promise<void> {
    if (this.#candidacy.mayLead)
      await this.#database.query(
        `UPDATE plainview.leader SET term = $1, since = now()
         WHERE term IS NULL AND EXISTS (SELECT FROM plainview.members WHERE term = $1)
           AND ($2 OR NOT EXISTS (SELECT FROM plainview.members WHERE can_lead AND expires > now()))`,
        [this.term, this.#candidacy.canLead],
      );
    await this.#look();
    const now = performance.now();
    if (this.#leads && now - this.#freedAt > freeMs) {
      for (const statement of freeJobs) await this.#database.query(statement);
      this.#freedAt = now;
    }
  }

  #extend(): Promise<void> {
    return this.#extending.run('members', async () => {
      const workers = new Set(this.#workers);
      const asked = performance.now();
      const { count } = await this.#database.renew(
        `UPDATE plainview.members SET workers = $3, can_lead = $4, expires = now() + $2 * interval '1 second'
         WHERE term = $1`,
        [this.term, lastsSeconds, [...workers], this.#candidacy.canLead],
      );
      this.#isMember = count > 0;
      if (this.#isMember) this.#confirmedAt = asked;
      this.#announced = workers;
    });
  }

  async #endDead(): Promise<void> {
    // The leader ends the others, because it goes on with what they had begun. Anybody ends the leader.
    const { rows } = await this.#database.renew<{ who: string }>(
      endOf(
        'expires < now() AND ($1 IN (SELECT term FROM plainview.leader) OR term IN (SELECT term FROM plainview.leader))',
      ),
      [this.term],
    );
    for (const { who } of rows) {
      this.#log.warn(
        { member: who },
        'a process that works on this archive has ended without a word: others go on with its work',
      );
      this.events.emit('ended', who);
    }
  }

  async #look(): Promise<void> {
    const asked = Date.now();
    const { rows } = await this.#database.query<Seen>(
      `SELECT clock_timestamp() AS time, m.who, m.url, l.since, coalesce(l.term = $1, false) AS leads,
         (SELECT count(*)::int FROM plainview.members) AS members,
         EXISTS (SELECT FROM plainview.members WHERE can_lead AND expires > now() AND term <> $1) AS "otherCanLead",
         (SELECT json_agg(json_build_object('who', o.who, 'settings', o.settings)) FROM plainview.members o
          WHERE o.term <> $1) AS others
       FROM plainview.leader l LEFT JOIN plainview.members m USING (term)`,
      [this.term],
    );
    const [seen] = rows;
    if (seen === undefined || this.#left.signal.aborted) return;
    this.#candidacy.compareClocks(seen.time.getTime(), { asked, answered: Date.now() });
    const isOther = this.#members !== seen.members;
    this.#members = seen.members;
    if (isOther) this.events.emit('members', seen.members);
    const others = seen.others ?? [];
    for (const other of others) if (!this.#known.has(other.who)) this.events.emit('joined', other);
    this.#known = new Set(others.map((other) => other.who));
    const { who, url, since } = seen;
    const why = seen.leads ? this.#candidacy.whyGiveUp(seen.otherCanLead) : undefined;
    if (why !== undefined) this.#onLost(why);
    const before = this.#leader;
    this.#leader =
      who === null || url === null || since === null ? undefined : { who, url, since: since.toISOString() };
    if (this.#leader === undefined || (before?.who === who && before?.since === this.#leader.since)) return;
    this.#leads = seen.leads;
    this.events.emit(seen.leads ? 'leads' : 'leader', this.#leader);
  }
}

/** Ends memberships, and frees what their workers had taken of the job engine. Others take over locks of such members. */
const endOf = (which: string): string =>
  `WITH ended AS (DELETE FROM plainview.members WHERE ${which} RETURNING who, workers)
   SELECT who, ${jobSchema}.force_unlock_workers(workers) FROM ended`;
