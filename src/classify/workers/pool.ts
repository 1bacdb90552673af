import { createError } from '../../errors/errors.js';
import type { Classification, Explanation, JobId, Setup } from './protocol.js';
import { type Job, type Ready, Thread } from './thread.js';

/**
 * Worker threads that classify. The first one starts at once and chooses the engine. Others start with the same
 * engine when the running threads are full. If a thread crashes, its jobs fail, and another thread starts when it is
 * needed.
 */
export class Pool {
  readonly #setup: Setup;
  readonly #limit: number;
  readonly #waiting: Job[] = [];
  readonly #running = new Set<Promise<unknown>>();
  #threads: Thread[] = [];
  #lastId = 0;
  #isStarting = false;
  #isClosed = false;

  private constructor(setup: Setup, limit: number) {
    this.#setup = setup;
    this.#limit = limit;
  }

  /**
   * @param limit most threads at a time; with a GPU there is always one
   * @throws what the first thread's start throws: network_…, engine_…, no_engine
   */
  static async start(setup: Setup, limit: number): Promise<{ pool: Pool; ready: Ready }> {
    const first = new Thread(setup, () => pool?.update());
    let pool: Pool | undefined;
    const ready = await first.ready;
    const { engine } = ready.report;
    pool = new Pool({ ...setup, engine }, engine === 'gpu' ? 1 : limit);
    pool.#threads.push(first);
    return { pool, ready };
  }

  /** @throws classifier_crashed (transient), picture_…; classifier_closed */
  classify(picture: Uint8Array<ArrayBuffer>): Promise<Classification> {
    return this.#run(picture, undefined);
  }

  /** @throws as `classify` does; explanation_unavailable, engine_wrong */
  explain(picture: Uint8Array<ArrayBuffer>, classIndex: number): Promise<Explanation> {
    // A worker answers a request with a class index by an explanation.
    return this.#run(picture, classIndex) as Promise<Explanation>;
  }

  #run(picture: Uint8Array<ArrayBuffer>, explain: number | undefined): Promise<Classification> {
    if (this.#isClosed) return Promise.reject(createError('classifier_closed', {}));
    const result = new Promise<Classification>((resolve, reject) => {
      this.#waiting.push({ id: ++this.#lastId as JobId, picture, explain, resolve, reject });
    });
    const settled = result.catch(() => undefined).finally(() => this.#running.delete(settled));
    this.#running.add(settled);
    this.update();
    return result;
  }

  /** Waits for all jobs, then ends the threads. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#running);
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  /** Gives waiting jobs to the threads with the most room. Starts another thread where none has room. */
  update(): void {
    this.#threads = this.#threads.filter((thread) => thread.isAlive);
    while (this.#waiting.length > 0) {
      const [leastBusy] = this.#threads.toSorted((a, b) => b.freeSlots - a.freeSlots);
      if (!leastBusy || leastBusy.freeSlots === 0) break;
      const job = this.#waiting.shift();
      if (job) leastBusy.submit(job);
    }
    if (this.#waiting.length > 0 && this.#threads.length < this.#limit && !this.#isStarting)
      void this.#addThread();
  }

  async #addThread(): Promise<void> {
    this.#isStarting = true;
    const thread = new Thread(this.#setup, () => this.update());
    this.#threads.push(thread);
    try {
      await thread.ready;
    } catch (error) {
      // Another start would fail in the same way. The waiting jobs fail unless another thread can take them.
      if (!this.#threads.some((other) => other.isAlive))
        for (const job of this.#waiting.splice(0)) job.reject(error as Error);
    } finally {
      this.#isStarting = false;
      this.update();
    }
  }
}
