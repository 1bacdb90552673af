import { detached } from '../async/detached.js';
import { settledOrAborted } from '../async/settled-or-aborted.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { AdmissionPolicy } from './admission-policy.js';
import {
  type EnqueueOptions,
  type Handler,
  type Job,
  moreUrgent,
  type Queue,
  type QueueDepth,
  type Reason,
  urgentReasons,
} from './queue.js';

interface QueuedJob {
  job: Job;
  /** When it was enqueued, by `performance.now()`. */
  since: number;
  /** Called when the job is settled. */
  settled: (() => void)[];
}

interface RunningJob extends QueuedJob {
  /** When it began to run, by `performance.now()`. */
  began: number;
  /** Set when the instance is enqueued while its job runs. */
  again?: { reason: Reason; since: number; settled: (() => void)[] };
}

/** A queue in this process. A hundred thousand jobs take some tens of megabytes. */
export class MemoryQueue implements Queue {
  readonly #handler: Handler;
  readonly #admission: AdmissionPolicy;
  /** A Map keeps the order of arrival. An instance is in at most one of the four maps. */
  readonly #urgent = new Map<InstanceId, QueuedJob>();
  readonly #backlog = new Map<InstanceId, QueuedJob>();
  readonly #running = new Map<InstanceId, RunningJob>();
  readonly #delayed = new Map<InstanceId, QueuedJob & { timer: NodeJS.Timeout }>();
  #isPaused = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;
  #idle: (() => void) | undefined;

  /** @param handler must not throw. An error ends the process, because otherwise a job would be lost without a sign. */
  constructor(admission: AdmissionPolicy, handler: Handler) {
    this.#admission = admission;
    this.#handler = handler;
  }

  enqueue(instance: InstanceId, reason: Reason, { settled }: EnqueueOptions = {}): void {
    if (reason === 'hook') this.#admission.recordNotice(performance.now());
    const listeners = settled === undefined ? [] : [settled];
    const running = this.#running.get(instance);
    if (running) {
      running.again ??= { reason, since: performance.now(), settled: [] };
      running.again.reason = moreUrgent(running.again.reason, reason);
      running.again.settled.push(...listeners);
      return;
    }
    const known = this.#urgent.get(instance) ?? this.#delayed.get(instance) ?? this.#backlog.get(instance);
    if (known) {
      known.settled.push(...listeners);
      known.job.reason = moreUrgent(known.job.reason, reason);
      if (!(urgentReasons.has(reason) && this.#backlog.delete(instance))) return;
    }
    this.#addWaiting(
      known ?? {
        job: { instance, reason, attempt: 1 },
        since: performance.now(),
        settled: listeners,
      },
    );
    this.#startJobs();
  }

  depth(): QueueDepth {
    const waiting = this.#urgent.size + this.#backlog.size;
    const [urgent] = this.#urgent.values();
    const [backlog] = this.#backlog.values();
    const now = performance.now();
    const oldestSeconds = Math.round((now - Math.min(urgent?.since ?? now, backlog?.since ?? now)) / 1000);
    return { waiting, running: this.#running.size, delayed: this.#delayed.size, oldestSeconds };
  }

  longestRun(): number {
    const [first] = this.#running.values();
    return first === undefined ? 0 : (performance.now() - first.began) / 1000;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#startJobs();
  }

  async stop(deadline: AbortSignal): Promise<Job[]> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const { timer } of this.#delayed.values()) clearTimeout(timer);
    if (this.#running.size > 0) {
      const idle = new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      await settledOrAborted(idle, deadline);
    }
    const unsettled = [this.#running, this.#urgent, this.#delayed, this.#backlog];
    return unsettled.flatMap((entries) => [...entries.values()].map((entry) => entry.job));
  }

  #addWaiting(entry: QueuedJob): void {
    (urgentReasons.has(entry.job.reason) ? this.#urgent : this.#backlog).set(entry.job.instance, entry);
  }

  #startJobs(): void {
    clearTimeout(this.#timer);
    if (this.#isPaused || this.#isStopped) return;
    for (const [kind, waiting] of [
      ['urgent', this.#urgent],
      ['backlog', this.#backlog],
    ] as const)
      for (const [instance, entry] of waiting) {
        const now = performance.now();
        const ms = this.#admission.waitMs(kind, this.#running.size, now);
        if (ms > 0) {
          // Where it is Infinity, the end of a running job calls #startJobs again.
          if (Number.isFinite(ms)) this.#timer = setTimeout(() => this.#startJobs(), ms);
          return;
        }
        if (kind === 'backlog') this.#admission.recordBacklogStart(now);
        waiting.delete(instance);
        const running = { ...entry, began: now };
        this.#running.set(instance, running);
        void detached(() => this.#run(running));
      }
  }

  async #run(entry: RunningJob): Promise<void> {
    const { job, since, settled, began } = entry;
    const outcome = await this.#handler(job);
    this.#admission.recordJobEnd(began, performance.now());
    this.#running.delete(job.instance);
    if (outcome.kind === 'retry') {
      const next = {
        job: {
          ...job,
          reason: moreUrgent(job.reason, entry.again?.reason),
          attempt: job.attempt + (outcome.countsAsAttempt ? 1 : 0),
        },
        since,
        settled: [...settled, ...(entry.again?.settled ?? [])],
      };
      if (outcome.afterMs > 0 && !this.#isStopped) this.#delay(next, outcome.afterMs);
      else this.#addWaiting(next);
    } else {
      for (const notify of settled) notify();
      if (entry.again) {
        const { reason, ...again } = entry.again;
        this.#addWaiting({ job: { instance: job.instance, reason, attempt: 1 }, ...again });
      }
    }
    this.#startJobs();
    if (this.#running.size === 0) this.#idle?.();
  }

  #delay(entry: QueuedJob, ms: number): void {
    const { instance } = entry.job;
    const timer = setTimeout(() => {
      this.#delayed.delete(instance);
      this.#addWaiting(entry);
      this.#startJobs();
    }, ms);
    this.#delayed.set(instance, { ...entry, timer });
  }
}
