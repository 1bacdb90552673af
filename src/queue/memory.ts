import type { InstanceId } from '../orthanc/ids.js';
import type { Depth, Handler, Job, Queue, Reason } from './queue.js';

interface Running {
  job: Job;
  /** Enqueued again meanwhile. */
  again?: Reason;
}

/** A queue in this process. Holds an id and a few words per job, so a hundred thousand are some tens of MB. */
export class MemoryQueue implements Queue {
  readonly #handler: Handler;
  readonly #concurrency: number;
  /** In the order they came: a Map keeps it. An instance is in one of the three maps at most. */
  readonly #waiting = new Map<InstanceId, Job>();
  readonly #running = new Map<InstanceId, Running>();
  readonly #delayed = new Map<InstanceId, { job: Job; timer: NodeJS.Timeout }>();
  #held = false;
  #stopped = false;
  #idle: (() => void) | undefined;

  /** @param handler must not throw: what it throws ends the process, since a job would be lost in silence */
  constructor(concurrency: number, handler: Handler) {
    this.#concurrency = concurrency;
    this.#handler = handler;
  }

  enqueue(instance: InstanceId, reason: Reason): void {
    const running = this.#running.get(instance);
    if (running) {
      running.again = reason;
      return;
    }
    if (this.#waiting.has(instance) || this.#delayed.has(instance)) return;
    this.#waiting.set(instance, { instance, reason, attempt: 1 });
    this.#begin();
  }

  depth(): Depth {
    return { waiting: this.#waiting.size, running: this.#running.size, delayed: this.#delayed.size };
  }

  pause(): void {
    this.#held = true;
  }

  resume(): void {
    this.#held = false;
    this.#begin();
  }

  async stop(ms: number): Promise<Job[]> {
    this.#stopped = true;
    for (const { job, timer } of this.#delayed.values()) {
      clearTimeout(timer);
      this.#waiting.set(job.instance, job);
    }
    this.#delayed.clear();
    if (this.#running.size > 0)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    return [...[...this.#running.values()].map((running) => running.job), ...this.#waiting.values()];
  }

  #begin(): void {
    if (this.#held || this.#stopped) return;
    for (const [instance, job] of this.#waiting) {
      if (this.#running.size >= this.#concurrency) return;
      this.#waiting.delete(instance);
      this.#running.set(instance, { job });
      void this.#run(job);
    }
  }

  async #run(job: Job): Promise<void> {
    const verdict = await this.#handler(job);
    const again = this.#running.get(job.instance)?.again;
    this.#running.delete(job.instance);
    if (verdict.kind === 'again') {
      const next = { ...job, attempt: job.attempt + (verdict.spent ? 1 : 0) };
      if (verdict.afterMs > 0 && !this.#stopped) this.#delay(next, verdict.afterMs);
      else this.#waiting.set(job.instance, next);
    } else if (again !== undefined) {
      this.#waiting.set(job.instance, { instance: job.instance, reason: again, attempt: 1 });
    }
    this.#begin();
    if (this.#running.size === 0) this.#idle?.();
  }

  #delay(job: Job, ms: number): void {
    const timer = setTimeout(() => {
      this.#delayed.delete(job.instance);
      this.#waiting.set(job.instance, job);
      this.#begin();
    }, ms);
    this.#delayed.set(job.instance, { job, timer });
  }
}
