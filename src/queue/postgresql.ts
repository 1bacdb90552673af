import { EventEmitter } from 'node:events';
import { runTaskList, type Task, type TaskList, type WorkerEvents, type WorkerPool } from 'graphile-worker';
import type { Logger } from 'pino';
import { z } from 'zod';
import { sleep } from '../async/sleep.js';
import { asPlainviewError, createError, PlainviewError } from '../errors/errors.js';
import { type InstanceId, instanceId } from '../orthanc/ids.js';
import type { Locks } from '../store/locks.js';
import { type Database, jobSchema, type Membership, quietLogger } from '../store/postgresql/open.js';
import { isStoreAway } from '../store/store.js';
import type { AdmissionPolicy } from './admission-policy.js';
import { JobTable, type Taken } from './job-table.js';
import { JobWriter } from './job-writer.js';
import { MemoryQueue } from './memory.js';
import {
  type EnqueueOptions,
  type Handler,
  type Job,
  type JobOutcome,
  type Queue,
  type QueueDepth,
  type Reason,
  reasons,
} from './queue.js';

/** What the engine keeps of a job. Its key is the instance. */
const payload = z.object({
  instance: instanceId,
  reason: z.enum(reasons),
  /** Of the run that comes. */
  attempt: z.number().int().min(1).default(1),
});

/** Between two tries while the database is away, and after the engine has stopped because of that. */
const retryMs = 1000;
/** How often it is asked whether jobs are settled, and how many wait. */
const lookMs = 250;
/** Counting a long queue takes time, so it is done for at most this share of it. */
const lookShare = 0.05;
/** The engine looks for jobs so often, besides when it is told that there are some. */
const pollMs = 2000;

/** One urgent job more than there are places waits here, so that no job of the backlog takes a place meanwhile. */
const ahead = 1;

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
 * `MemoryQueue` does. A job that is to run again goes back, so another process may run it. Jobs of a process that dies are
 * free for others once its membership has ended.
 */
export class PostgresqlQueue implements Queue {
  readonly #parts: Parts;
  readonly #table: JobTable;
  readonly #local: MemoryQueue;
  readonly #writer: JobWriter;
  /** In the database. Listeners of this process wait until they are not any more. */
  readonly #open = new Map<InstanceId, readonly (() => void)[]>();
  /** Of the runs that come. */
  readonly #attempts = new Map<InstanceId, number>();
  /** Of the runs that end at this moment. */
  readonly #outcomes = new Map<InstanceId, JobOutcome>();
  readonly #stopped = new AbortController();
  readonly #engines = new Set<WorkerPool>();
  /** The jobs that its workers have, by the number that the engine gave them. */
  readonly #held = new Set<string>();
  readonly #ending = new Set<Promise<void>>();
  #resumed = Promise.resolve();
  #resume: (() => void) | undefined;
  #depth: QueueDepth = { waiting: 0, running: 0, delayed: 0, oldestSeconds: 0 };

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#table = new JobTable(parts.database);
    this.#writer = new JobWriter({
      table: this.#table,
      onWritten: (instance, settled) => {
        if (settled.length > 0) this.#open.set(instance, [...(this.#open.get(instance) ?? []), ...settled]);
      },
      stopped: this.#stopped.signal,
      log: parts.log,
    });
    // A retry goes back to the table, so here each run is the last one.
    this.#local = new MemoryQueue(parts.admission, async ({ instance, reason }) => {
      const attempt = this.#attempts.get(instance) ?? 1;
      this.#attempts.delete(instance);
      const outcome = await this.#handle({ instance, reason, attempt });
      this.#outcomes.set(instance, outcome);
      setImmediate(() => {
        if (this.#outcomes.get(instance) === outcome) this.#outcomes.delete(instance);
      });
      return { kind: 'settled' };
    });
  }

  start(): void {
    const { concurrency, backlog } = this.#parts;
    void this.#take({ urgent: this.#run }, concurrency + ahead);
    void this.#take({ backlog: this.#run }, backlog);
    void this.#look();
  }

  enqueue(instance: InstanceId, reason: Reason, { settled }: EnqueueOptions = {}): void {
    if (reason === 'hook') this.#parts.admission.recordNotice(performance.now());
    this.#writer.enqueue(instance, reason, settled === undefined ? [] : [settled]);
  }

  depth(): QueueDepth {
    const { waiting, running, ...rest } = this.#depth;
    // Taken, but it waits here for a place.
    const taken = Math.min(running, this.#local.depth().waiting);
    return { waiting: waiting + taken + this.#writer.size, running: running - taken, ...rest };
  }

  longestRun(): number {
    return this.#local.longestRun();
  }

  pause(): void {
    this.#local.pause();
    if (this.#isPaused) return;
    this.#resumed = new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    if (this.#stopped.signal.aborted) return;
    this.#local.resume();
    this.#resume?.();
    this.#resume = undefined;
  }

  async stop(deadline: AbortSignal): Promise<Job[]> {
    this.#stopped.abort();
    this.pause();
    // They wait for jobs that are not settled, and these are free for others when the membership ends.
    for (const engine of this.#engines) void engine.gracefulShutdown();
    this.#engines.clear();
    const unsettled = await this.#local.stop(deadline);
    await Promise.allSettled(this.#ending);
    return [...unsettled, ...(await this.#writer.stop())];
  }

  get #isPaused(): boolean {
    return this.#resume !== undefined;
  }

  get #isOver(): boolean {
    return this.#stopped.signal.aborted || this.#parts.membership.ended.aborted;
  }

  /** The engine gives a job that was enqueued again while it runs to another process at once. */
  async #handle(job: Job): Promise<JobOutcome> {
    const { locks, handler } = this.#parts;
    try {
      return await locks.exclusive('job', job.instance, () => handler(job));
    } catch (error) {
      // The lock could not be had: the database is away, or this process is a member no more.
      if (!isStoreAway(error)) throw error;
      return { kind: 'retry', afterMs: retryMs, countsAsAttempt: false };
    }
  }

  readonly #run: Task = async (content, { job: { id, locked_by } }) => {
    const { instance, reason, attempt } = payload.parse(content);
    this.#held.add(id);
    const outcome = this.#isPaused
      ? // It was about to be taken when the pause came. Another process may run it.
        ({ kind: 'retry', afterMs: 0, countsAsAttempt: false } as const)
      : await this.#runHere(instance, reason, attempt);
    const ending = this.#end({ id, worker: locked_by }, outcome, attempt);
    this.#ending.add(ending);
    await ending
      .finally(() => {
        this.#ending.delete(ending);
        this.#held.delete(id);
      })
      // Then the engine does nothing more: the connections are about to end.
      .finally(() => this.#isOver && new Promise(() => undefined));
  };

  #runHere(instance: InstanceId, reason: Reason, attempt: number): Promise<JobOutcome> {
    this.#attempts.set(instance, Math.max(attempt, this.#attempts.get(instance) ?? 1));
    return new Promise((resolve) =>
      // A notice was recorded when it came, by the process that it came to.
      this.#local.enqueue(instance, reason === 'hook' ? 'request' : reason, {
        settled: () => resolve(this.#outcomes.get(instance) ?? { kind: 'settled' }),
      }),
    );
  }

  /**
   * The engine itself would end the job without a look at who has it, and lose a worker where the database is away.
   * @throws where this worker does not have the job any more: then the engine changes nothing
   */
  async #end(job: Taken, outcome: JobOutcome, attempt: number): Promise<void> {
    const { log } = this.#parts;
    for (;;)
      try {
        if (outcome.kind === 'settled') {
          if (await this.#table.settle(job)) return;
        } else {
          const { afterMs, countsAsAttempt } = outcome;
          await this.#table.giveBack(job, { attempt: attempt + (countsAsAttempt ? 1 : 0), afterMs });
          void this.#nudge(afterMs);
        }
        throw createError('internal', {}, new Error('this worker does not have the job'));
      } catch (error) {
        const mayRepeat = error instanceof PlainviewError && error.code === 'database_unusable';
        if (!mayRepeat || this.#isOver) throw error;
        log.debug({ err: error }, 'the end of a job could not be written');
        await sleep(retryMs, this.#stopped.signal);
      }
  }

  async #nudge(afterMs: number): Promise<void> {
    const { signal } = this.#stopped;
    await sleep(afterMs, signal);
    if (!signal.aborted) await this.#table.nudge().catch(() => undefined);
  }

  /** Runs the engine, and another one where it cannot go on after the database was away. */
  async #take(taskList: TaskList, concurrency: number): Promise<void> {
    const { database, membership, log } = this.#parts;
    const { signal } = this.#stopped;
    for (; !signal.aborted; await sleep(retryMs, signal)) {
      const events: WorkerEvents = new EventEmitter();
      events.on('worker:create', ({ worker }) => membership.addWorker(worker.workerId));
      events.on('worker:stop', ({ worker }) => membership.removeWorker(worker.workerId));
      const broken = new Promise<void>((resolve) => {
        // It has lost a worker.
        events.once('worker:fatalError', () => resolve());
        // It keeps the failure of its first statement, and throws that for ever.
        const seen = new WeakSet();
        events.on('worker:getJob:error', ({ error }) => {
          if (error instanceof Error && !seen.has(error)) seen.add(error);
          else resolve();
        });
      });
      // Without the engine's schedules, whose first statement ends the process where the database is away.
      const engine = runTaskList(
        {
          schema: jobSchema,
          concurrency,
          pollInterval: pollMs,
          noHandleSignals: true,
          noPreparedStatements: true,
          logger: quietLogger(log),
          events,
          // It asks this before it takes a job.
          forbiddenFlags: () => this.#mayTake(),
        },
        taskList,
        database.jobs,
      );
      this.#engines.add(engine);
      await Promise.race([engine.promise, broken]);
      if (!this.#engines.delete(engine)) return;
      // Its other workers end their jobs.
      void engine.gracefulShutdown();
    }
  }

  /** Waits until a worker may take a job. @returns the kinds of jobs to leave out: none */
  async #mayTake(): Promise<null> {
    await this.#parts.membership.announceWorkers();
    while (this.#isPaused) await this.#resumed;
    return null;
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
        const counted = await this.#table.depth();
        this.#depth = counted.depth;
        await this.#table.freeUnknown(this.#parts.membership.workers, this.#held);
        countedAt = performance.now();
        countedMs = counted.countedMs;
      } catch (error) {
        this.#parts.log.debug({ err: asPlainviewError(error) }, 'the queue could not be looked at');
      }
    }
  }

  async #findSettled(): Promise<void> {
    if (this.#open.size === 0) return;
    const asked = new Map(this.#open);
    const open = await this.#table.present([...asked.keys()]);
    for (const [instance, listeners] of asked) {
      // One that was added to since waits for the job that was added with it.
      if (open.has(instance) || this.#open.get(instance) !== listeners) continue;
      this.#open.delete(instance);
      for (const notify of listeners) notify();
    }
  }
}
