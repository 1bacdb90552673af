import { settledOrAborted } from '../../async/settled-or-aborted.js';
import { asPlainviewError, createError, type PlainviewError } from '../../errors/errors.js';
import { isGpu } from '../engines/engine.js';
import { Child, deserialize, type Job, type Ready, withoutShadow } from './child.js';
import type { EarlyProcess } from './process.js';
import type { Classification, Explanation, Features, JobId, Result, Setup, Wanted } from './protocol.js';

/** A picture during which so many processes ended is given up. */
const maxEnds = 2;
/** A second network during which so many processes ended is not asked any more. */
const maxShadowEnds = 3;

interface FirstProcess {
  /** Taken where it fits. */
  readonly early?: EarlyProcess | undefined;
  readonly onStarting?: (() => void) | undefined;
}

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
  #shadowEnds = 0;
  #shadowProblem: PlainviewError | undefined;

  private constructor(setup: Setup, limit: number) {
    this.#setup = setup;
    this.#limit = limit;
  }

  /**
   * @param limit most processes at a time; with a GPU there is always one
   * @param cancelled ends the start
   * @param about the first process
   * @throws what the first process's start throws: network_…, engine_…, no_engine, classifier_unstartable
   */
  static async start(
    setup: Setup,
    limit: number,
    cancelled?: AbortSignal,
    about: FirstProcess = {},
  ): Promise<{ pool: Pool; ready: Ready }> {
    try {
      return await Pool.#startFirst(setup, limit, cancelled, about);
    } catch (error) {
      if (setup.shadow === undefined || cancelled?.aborted) throw error;
      // Perhaps the second network ends the process. It must not keep the first one from running.
      const started = await Pool.#startFirst({ ...setup, shadow: undefined }, limit, cancelled);
      started.pool.stopShadow(asPlainviewError(error));
      return started;
    }
  }

  static async #startFirst(
    setup: Setup,
    limit: number,
    cancelled?: AbortSignal,
    about: FirstProcess = {},
  ): Promise<{ pool: Pool; ready: Ready }> {
    let pool: Pool | undefined;
    const listeners = {
      onChange: () => pool?.update(),
      onLost: (jobs: readonly Job[], why: string) => pool?.retry(jobs, why),
      onShadowEnded: () => pool?.countShadowEnd(),
    };
    const first = new Child(setup, listeners, about.early);
    about.onStarting?.();
    const cancel = () => void first.close();
    cancelled?.addEventListener('abort', cancel, { once: true });
    // It can have been cancelled while the network was read.
    if (cancelled?.aborted) cancel();
    const ready = await first.ready.finally(() => cancelled?.removeEventListener('abort', cancel));
    const { engine } = ready.report;
    pool = new Pool({ ...setup, engine }, isGpu(engine) ? 1 : limit);
    pool.#children.push(first);
    if (ready.shadow !== undefined && 'error' in ready.shadow)
      pool.stopShadow(deserialize(ready.shadow.error));
    return { pool, ready };
  }

  /** Why the second network is not asked; undefined while it is. */
  get shadowProblem(): PlainviewError | undefined {
    return this.#shadowProblem;
  }

  /** @throws classifier_crashed, classifier_unstartable, classifier_hung, picture_…; classifier_closed */
  async classify(picture: Buffer, kind: 'scores' | 'features' = 'scores'): Promise<Classification> {
    const result = await this.#run(picture, { kind });
    const hasShadow = this.#setup.shadow !== undefined || this.#shadowProblem !== undefined;
    if (!hasShadow || result.shadow !== undefined) return result;
    const why = 'another picture, or this one before its scores were known';
    return withoutShadow(result, this.#shadowProblem ?? createError('shadow_ended', { why }));
  }

  /** The second network is not asked any more. */
  stopShadow(problem: PlainviewError): void {
    this.#shadowProblem ??= problem;
  }

  countShadowEnd(): void {
    this.#shadowEnds++;
    if (this.#shadowEnds === maxShadowEnds)
      this.stopShadow(createError('shadow_stopped', { times: maxShadowEnds }));
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
      this.#waiting.push({
        id: ++this.#lastId as JobId,
        picture,
        wanted,
        shadow: false,
        ends: 0,
        resolve,
        reject,
      });
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
      // A picture during which a process ended is done without the second network.
      const shadow = this.#shadowProblem === undefined && next?.ends === 0 && next.wanted.kind !== 'map';
      if (next) leastBusy.submit({ ...next, shadow });
    }
    if (this.#waiting.length > 0 && this.#children.length < this.#limit && !this.#isStarting)
      void this.#addChild();
  }

  async #addChild(): Promise<void> {
    this.#isStarting = true;
    const hasShadow = this.#setup.shadow !== undefined && this.#shadowProblem === undefined;
    try {
      const child = new Child(hasShadow ? this.#setup : { ...this.#setup, shadow: undefined }, {
        onChange: () => this.update(),
        onLost: (jobs, why) => this.retry(jobs, why),
        onShadowEnded: () => this.countShadowEnd(),
      });
      this.#children.push(child);
      await child.ready;
    } catch (error) {
      // Another start would fail in the same way, but for the second network. The waiting jobs fail unless another child
      // can take them.
      if (hasShadow) this.stopShadow(asPlainviewError(error));
      else if (!this.#children.some((other) => other.isAlive))
        for (const job of this.#waiting.splice(0)) job.reject(error as Error);
    } finally {
      this.#isStarting = false;
      this.update();
    }
  }
}
