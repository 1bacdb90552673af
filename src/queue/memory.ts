import type { InstanceId } from '../orthanc/ids.js';
import type { AdmissionPolicy } from './admission-policy.js';
import {
  type EnqueueOptions,
  type Handler,
  type Job,
  type Queue,
  type QueueDepth,
  type Reason,
  urgentReasons,
} from './queue.js';

interface QueuedJob {
  job: Job;
  /** Told when the job is settled. */
  settled: (() => void)[];
}

interface Running extends QueuedJob {
  /** Enqueued again meanwhile. */
  again?: { reason: Reason; settled: (() => void)[] };
}

/** A queue in this process. Holds an id and a few words per job, so a hundred thousand are some tens of MB. */
export class MemoryQueue implements Queue {
  readonly #handler: Handler;
  readonly #admission: AdmissionPolicy;
  /** In the order they came: a Map keeps it. An instance is in one of the four maps at most. */
  readonly #urgent = new Map<InstanceId, QueuedJob>();
  readonly #backlog = new Map<InstanceId, QueuedJob>();
  readonly #running = new Map<InstanceId, Running>();
  readonly #delayed = new Map<InstanceId, QueuedJob & { timer: NodeJS.Timeout }>();
  #held = false;
  #stopped = false;
  #later: NodeJS.Timeout | undefined;
  #idle: (() => void) | undefined;

  /** @param handler must not throw: what it throws ends the process, since a job would be lost in silence */
  constructor(admission: AdmissionPolicy, handler: Handler) {
    this.#admission = admission;
    this.#handler = handler;
  }

  enqueue(instance: InstanceId, reason: Reason, { isNew = false, settled }: EnqueueOptions = {}): void {
    if (reason === 'hook') this.#admission.recordNotice(performance.now());
    const listeners = settled === undefined ? [] : [settled];
    const running = this.#running.get(instance);
    if (running) {
      running.again ??= { reason, settled: [] };
      running.again.reason = moreUrgent(running.again.reason, reason);
      running.again.settled.push(...listeners);
      return;
    }
    const known = this.#urgent.get(instance) ?? this.#delayed.get(instance) ?? this.#backlog.get(instance);
    if (known) {
      known.settled.push(...listeners);
      known.job.reason = moreUrgent(known.job.reason, reason);
      known.job.isNew &&= isNew;
      if (!(urgentReasons.has(reason) && this.#backlog.delete(instance))) return;
    }
    this.#wait(known ?? { job: { instance, reason, attempt: 1, isNew }, settled: listeners });
    this.#begin();
  }

  depth(): QueueDepth {
    const waiting = this.#urgent.size + this.#backlog.size;
    return { waiting, running: this.#running.size, delayed: this.#delayed.size };
  }

  pause(): void {
    this.#held = true;
  }

  resume(): void {
    this.#held = false;
    this.#begin();
  }

  async stop(deadline: AbortSignal): Promise<Job[]> {
    this.#stopped = true;
    clearTimeout(this.#later);
    for (const { timer } of this.#delayed.values()) clearTimeout(timer);
    if (this.#running.size > 0 && !deadline.aborted)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
        deadline.addEventListener('abort', () => resolve(), { once: true });
      });
    const unsettled = [this.#running, this.#urgent, this.#delayed, this.#backlog];
    return unsettled.flatMap((entries) => [...entries.values()].map((entry) => entry.job));
  }

  #wait(entry: QueuedJob): void {
    (urgentReasons.has(entry.job.reason) ? this.#urgent : this.#backlog).set(entry.job.instance, entry);
  }

  #begin(): void {
    clearTimeout(this.#later);
    if (this.#held || this.#stopped) return;
    for (const [kind, waiting] of [
      ['urgent', this.#urgent],
      ['backlog', this.#backlog],
    ] as const)
      for (const [instance, entry] of waiting) {
        const now = performance.now();
        const ms = this.#admission.waitMs(kind, this.#running.size, now);
        if (ms > 0) {
          // What waits for a running job is begun by its end.
          if (Number.isFinite(ms)) this.#later = setTimeout(() => this.#begin(), ms);
          return;
        }
        if (kind === 'backlog') this.#admission.recordBacklogStart(now);
        waiting.delete(instance);
        this.#running.set(instance, entry);
        void this.#run(entry);
      }
  }

  async #run(entry: Running): Promise<void> {
    const { job, settled } = entry;
    const began = performance.now();
    const outcome = await this.#handler(job);
    this.#admission.recordJobEnd(began, performance.now());
    this.#running.delete(job.instance);
    if (outcome.kind === 'again') {
      const next = {
        job: {
          ...job,
          reason: moreUrgent(job.reason, entry.again?.reason),
          attempt: job.attempt + (outcome.spent ? 1 : 0),
          isNew: false,
        },
        settled: [...settled, ...(entry.again?.settled ?? [])],
      };
      if (outcome.afterMs > 0 && !this.#stopped) this.#delay(next, outcome.afterMs);
      else this.#wait(next);
    } else {
      for (const tell of settled) tell();
      if (entry.again) {
        const { reason, settled: listeners } = entry.again;
        this.#wait({
          job: { instance: job.instance, reason, attempt: 1, isNew: false },
          settled: listeners,
        });
      }
    }
    this.#begin();
    if (this.#running.size === 0) this.#idle?.();
  }

  #delay(entry: QueuedJob, ms: number): void {
    const { instance } = entry.job;
    const timer = setTimeout(() => {
      this.#delayed.delete(instance);
      this.#wait(entry);
      this.#begin();
    }, ms);
    this.#delayed.set(instance, { ...entry, timer });
  }
}

/** Told for several reasons, an instance is as urgent as the most urgent of them. */
const moreUrgent = (a: Reason, b = a): Reason => (urgentReasons.has(a) ? a : b);
