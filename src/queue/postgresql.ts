import { type Runner, run, type TaskList } from 'graphile-worker';
import type { Logger } from 'pino';
import { z } from 'zod';
import { sleep } from '../async/sleep.js';
import { asPlainviewError } from '../errors/errors.js';
import { type InstanceId, instanceId } from '../orthanc/ids.js';
import type { Locks } from '../store/locks.js';
import {
  type Database,
  jobSchema,
  type Membership,
  quietLogger,
  workerEvents,
} from '../store/postgresql/open.js';
import type { AdmissionPolicy } from './admission-policy.js';
import { MemoryQueue } from './memory.js';
import {
  type EnqueueOptions,
  type Handler,
  type Job,
  moreUrgent,
  type Queue,
  type QueueDepth,
  type Reason,
} from './queue.js';

/** What the engine keeps of a job. Its key is the instance. */
const payload = z.object({ instance: instanceId, reason: z.enum(['hook', 'request', 'changes']) });

/** A job runs again as often as processes die during it. The largest number that the engine takes. */
const mostAttempts = 32_767;
/** Jobs that are written to the database in one statement. */
const batchSize = 1000;
/** Between two tries while the database is away, and after the engine has stopped because of that. */
const retryMs = 1000;
/** How often it is asked whether jobs are settled, and how many wait. */
const lookMs = 250;
/** Counting a long queue takes time, so it is done for at most this share of it. */
const lookShare = 0.05;
/** The engine looks for jobs so often, besides when it is told that there are some. */
const pollMs = 2000;

interface Waiting {
  reason: Reason;
  settled: (() => void)[];
}

interface Parts {
  database: Database;
  membership: Membership;
  locks: Locks;
  admission: AdmissionPolicy;
  /** Jobs that this process takes at a time. */
  concurrency: number;
  /** And of the backlog. */
  backlog: number;
  handler: Handler;
  log: Logger;
}

/**
 * A queue in PostgreSQL that the processes of an archive share: each takes jobs as it has places, and runs them as
 * `MemoryQueue` does. Jobs of a process that dies are free for others once its membership has ended.
 */
export class PostgresqlQueue implements Queue {
  readonly #parts: Parts;
  readonly #local: MemoryQueue;
  /** Enqueued here, and not in the database yet. */
  readonly #unwritten = new Map<InstanceId, Waiting>();
  /** In the database. Listeners of this process wait until they are not any more. */
  readonly #open = new Map<InstanceId, (() => void)[]>();
  readonly #stopped = new AbortController();
  readonly #runners = new Set<Runner>();
  #writing: Promise<void> | undefined;
  #depth: QueueDepth = { waiting: 0, running: 0, delayed: 0, oldestSeconds: 0 };

  constructor(parts: Parts) {
    this.#parts = parts;
    const { locks, handler, admission } = parts;
    // The engine gives a job that was enqueued again while it runs to another process at once.
    this.#local = new MemoryQueue(admission, (job) =>
      locks.exclusive('job', job.instance, () => handler(job)),
    );
  }

  start(): void {
    const { concurrency, backlog } = this.#parts;
    void this.#take({ urgent: this.#run }, concurrency);
    void this.#take({ backlog: this.#run }, backlog);
    void this.#look();
  }

  enqueue(instance: InstanceId, reason: Reason, { settled }: EnqueueOptions = {}): void {
    const known = this.#unwritten.get(instance);
    const listeners = settled === undefined ? [] : [settled];
    this.#unwritten.set(instance, {
      reason: moreUrgent(reason, known?.reason),
      settled: [...(known?.settled ?? []), ...listeners],
    });
    this.#writing ??= this.#write();
  }

  /** Of the archive, as it was a moment ago. */
  depth(): QueueDepth {
    return { ...this.#depth, waiting: this.#depth.waiting + this.#unwritten.size };
  }

  pause(): void {
    this.#local.pause();
  }

  resume(): void {
    this.#local.resume();
  }

  async stop(deadline: AbortSignal): Promise<Job[]> {
    this.#stopped.abort();
    // They wait for jobs that are not settled, and these are free for others when the membership ends.
    for (const runner of this.#runners) void runner.stop().catch(() => undefined);
    const unsettled = await this.#local.stop(deadline);
    await this.#writing;
    return unsettled;
  }

  readonly #run = (content: unknown): Promise<void> => {
    const { instance, reason } = payload.parse(content);
    return new Promise((settled) => this.#local.enqueue(instance, reason, { settled }));
  };

  /** Runs the engine, and starts it again where it has given up because the database was away. */
  async #take(taskList: TaskList, concurrency: number): Promise<void> {
    const { database, membership, log } = this.#parts;
    const { signal } = this.#stopped;
    for (; !signal.aborted; await sleep(retryMs, signal))
      try {
        const runner = await run({
          pgPool: database.jobs,
          schema: jobSchema,
          taskList,
          concurrency,
          pollInterval: pollMs,
          noHandleSignals: true,
          noPreparedStatements: true,
          parsedCronItems: [],
          logger: quietLogger(log),
          events: workerEvents((worker) => membership.addWorker(worker)),
        });
        this.#runners.add(runner);
        if (signal.aborted) void runner.stop().catch(() => undefined);
        await runner.promise.finally(() => this.#runners.delete(runner));
      } catch (error) {
        log.debug({ err: error }, 'the job engine stopped');
      }
  }

  /** Writes what was enqueued. Until it is written, it is tried again. */
  async #write(): Promise<void> {
    // What is enqueued in the same turn is written together.
    await new Promise(setImmediate);
    while (this.#unwritten.size > 0) {
      const batch = [...this.#unwritten].slice(0, batchSize);
      for (const [instance] of batch) this.#unwritten.delete(instance);
      const left = await this.#add(batch).catch((error: unknown) => {
        this.#parts.log.debug({ err: asPlainviewError(error) }, 'jobs could not be written');
        return batch;
      });
      for (const [instance, { reason, settled }] of left) {
        const since = this.#unwritten.get(instance);
        this.#unwritten.set(instance, {
          reason: moreUrgent(reason, since?.reason),
          settled: [...settled, ...(since?.settled ?? [])],
        });
      }
      if (left.length > 0) {
        if (this.#stopped.signal.aborted) break;
        await sleep(left === batch ? retryMs : 1, this.#stopped.signal);
      }
    }
    this.#writing = undefined;
  }

  /** @returns those that a process has taken at this moment: they must be added once more */
  async #add(batch: [InstanceId, Waiting][]): Promise<[InstanceId, Waiting][]> {
    const { rows } = await this.#parts.database.query<{ key: string }>(
      // A job of the backlog does not replace an urgent one of the same instance.
      `WITH given AS MATERIALIZED (SELECT unnest($1::text[]) AS key, unnest($2::text[]) AS reason),
       waiting AS MATERIALIZED (
         SELECT key FROM given JOIN ${jobSchema}.jobs USING (key) WHERE locked_at IS NULL AND reason = 'changes'
       ),
       specs AS (
         SELECT array_agg(ROW(
           CASE WHEN reason = 'changes' THEN 'backlog' ELSE 'urgent' END,
           json_build_object('instance', key, 'reason', reason), NULL::text, now(), $3::smallint, key, 0::smallint, NULL::text[]
         )::${jobSchema}.job_spec) AS all_specs
         FROM given WHERE key NOT IN (SELECT key FROM waiting)
       )
       SELECT key FROM waiting
       UNION ALL SELECT added.key FROM specs, ${jobSchema}.add_jobs(all_specs) AS added WHERE all_specs IS NOT NULL`,
      [batch.map(([instance]) => instance), batch.map(([, { reason }]) => reason), mostAttempts],
    );
    const added = new Set(rows.map(({ key }) => key));
    for (const [instance, { settled }] of batch)
      if (added.has(instance) && settled.length > 0)
        this.#open.set(instance, [...(this.#open.get(instance) ?? []), ...settled]);
    return batch.filter(([instance]) => !added.has(instance));
  }

  async #look(): Promise<void> {
    const { signal } = this.#stopped;
    let countedAt = -Infinity;
    let countedMs = 0;
    while (!signal.aborted) {
      await sleep(lookMs, signal);
      try {
        await this.#findSettled();
        if (performance.now() < countedAt + countedMs / lookShare) continue;
        const began = performance.now();
        await this.#count();
        countedAt = performance.now();
        countedMs = countedAt - began;
      } catch (error) {
        this.#parts.log.debug({ err: asPlainviewError(error) }, 'the queue could not be looked at');
      }
    }
  }

  async #findSettled(): Promise<void> {
    if (this.#open.size === 0) return;
    const asked = new Map(this.#open);
    const { rows } = await this.#parts.database.query<{ key: string }>(
      `SELECT key FROM ${jobSchema}.jobs WHERE key = ANY($1)`,
      [[...asked.keys()]],
    );
    const open = new Set(rows.map(({ key }) => key));
    for (const [instance, listeners] of asked) {
      // One that was added to since waits for the job that was added with it.
      if (open.has(instance) || this.#open.get(instance) !== listeners) continue;
      this.#open.delete(instance);
      for (const notify of listeners) notify();
    }
  }

  async #count(): Promise<void> {
    const { rows } = await this.#parts.database.query<QueueDepth>(
      `SELECT count(*) FILTER (WHERE locked_at IS NULL AND run_at <= now())::int AS waiting,
         count(*) FILTER (WHERE locked_at IS NOT NULL)::int AS running,
         count(*) FILTER (WHERE locked_at IS NULL AND run_at > now())::int AS delayed,
         coalesce(extract(epoch FROM now() - min(run_at) FILTER (WHERE locked_at IS NULL)), 0)::int AS "oldestSeconds"
       FROM ${jobSchema}.jobs WHERE key IS NOT NULL OR locked_at IS NOT NULL`,
    );
    if (rows[0] !== undefined) this.#depth = rows[0];
  }
}
