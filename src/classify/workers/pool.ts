import { createError } from '../../errors/errors.js';
import { Child, type Job, type Ready } from './child.js';
import type { Classification, Explanation, Features, JobId, Result, Setup, Wanted } from './protocol.js';

/** A picture during which so many processes ended is given up. */
const maxEnds = 2;

/**
 * Processes that classify. The first one starts at once and chooses the engine. Others start with the same engine when
 * the running ones are full. If one ends, each of its jobs is done once more, alone in a process, and another process
 * starts when it is needed.
 */
export class Pool {
  readonly #setup: Setup;
  readonly #limit: number;
  readonly #waiting: Job[] = [];
  readonly #running = new Set<Promise<unknown>>();
  #children: Child[] = [];
  #lastId = 0;
  #isStarting = false;
  #isClosed = false;
  #hasEnded = false;

  private constructor(setup: Setup, limit: number) {
    this.#setup = setup;
    this.#limit = limit;
  }

  /**
   * @param limit most processes at a time; with a GPU there is always one
   * @param cancelled ends the start
   * @throws what the first process's start throws: network_…, engine_…, no_engine
   */
  static async start(
    setup: Setup,
    limit: number,
    cancelled?: AbortSignal,
  ): Promise<{ pool: Pool; ready: Ready }> {
    const first = new Child(setup, {
      onChange: () => pool?.update(),
      onLost: (jobs, why) => pool?.retry(jobs, why),
    });
    let pool: Pool | undefined;
    const cancel = () => void first.close();
    cancelled?.addEventListener('abort', cancel, { once: true });
    const ready = await first.ready.finally(() => cancelled?.removeEventListener('abort', cancel));
    const { engine } = ready.report;
    pool = new Pool({ ...setup, engine }, engine === 'gpu' ? 1 : limit);
    pool.#children.push(first);
    return { pool, ready };
  }

  /** @throws classifier_crashed, classifier_hung, picture_…; classifier_closed */
  classify(picture: Buffer): Promise<Classification> {
    return this.#run(picture, { kind: 'scores' });
  }

  /** @throws as `classify` does; explanation_unavailable, engine_wrong */
  explain(picture: Buffer, classIndex: number): Promise<Explanation> {
    // A worker answers a request with a class index by an explanation.
    return this.#run(picture, { kind: 'map', classIndex }) as Promise<Explanation>;
  }

  /** @throws as `classify` does; engine_wrong */
  features(picture: Buffer): Promise<Features> {
    return this.#run(picture, { kind: 'features' }) as Promise<Features>;
  }

  #run(picture: Buffer, wanted: Wanted): Promise<Result> {
    if (this.#isClosed) return Promise.reject(createError('classifier_closed', {}));
    const result = new Promise<Result>((resolve, reject) => {
      this.#waiting.push({ id: ++this.#lastId as JobId, picture, wanted, ends: 0, resolve, reject });
    });
    const settled = result.catch(() => undefined).finally(() => this.#running.delete(settled));
    this.#running.add(settled);
    this.update();
    return result;
  }

  /** Waits for all jobs, then ends the processes. @param deadline the jobs that still run then fail */
  async close(deadline?: AbortSignal): Promise<void> {
    this.#isClosed = true;
    await settledOrAborted(Promise.all(this.#running), deadline);
    this.#hasEnded = true;
    for (const job of this.#waiting.splice(0)) job.reject(createError('classifier_closed', {}));
    await Promise.all(this.#children.map((child) => child.close()));
  }

  /** Does jobs once more during which a process ended, before all others. */
  retry(jobs: readonly Job[], why: string): void {
    for (const job of jobs) {
      const ends = job.ends + 1;
      if (this.#hasEnded) job.reject(createError('classifier_closed', {}));
      else if (ends < maxEnds) this.#waiting.unshift({ ...job, ends });
      else job.reject(createError('classifier_crashed', { why }));
    }
  }

  /** Gives waiting jobs to the processes with the most room. Starts another process where none has room. */
  update(): void {
    this.#children = this.#children.filter((child) => child.isAlive);
    while (this.#waiting.length > 0) {
      const [leastBusy] = this.#children.toSorted((a, b) => b.freeSlots - a.freeSlots);
      const [next] = this.#waiting;
      if (!leastBusy || leastBusy.freeSlots === 0 || (next && next.ends > 0 && !leastBusy.isIdle)) break;
      this.#waiting.shift();
      if (next) leastBusy.submit(next);
    }
    if (this.#waiting.length > 0 && this.#children.length < this.#limit && !this.#isStarting)
      void this.#addChild();
  }

  async #addChild(): Promise<void> {
    this.#isStarting = true;
    const child = new Child(this.#setup, {
      onChange: () => this.update(),
      onLost: (jobs, why) => this.retry(jobs, why),
    });
    this.#children.push(child);
    try {
      await child.ready;
    } catch (error) {
      // Another start would fail in the same way. The waiting jobs fail unless another child can take them.
      if (!this.#children.some((other) => other.isAlive))
        for (const job of this.#waiting.splice(0)) job.reject(error as Error);
    } finally {
      this.#isStarting = false;
      this.update();
    }
  }
}

/** Resolves when a promise has resolved, or at an abort before that. */
async function settledOrAborted(promise: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return;
  const aborted = new Promise<void>((resolve) =>
    signal?.addEventListener('abort', () => resolve(), { once: true }),
  );
  await Promise.race([promise, aborted]);
}
