import type { Logger } from 'pino';
import { z } from 'zod';
import { sleep } from '../async/sleep.js';
import { type SweepOrder, sweepOrders } from '../contract/sweep.js';
import type { Aggregates } from '../decisions/aggregates.js';
import { isUntouched } from '../decisions/read.js';
import { asPlainviewError } from '../errors/errors.js';
import type { StudyTree } from '../orthanc/hierarchy.js';
import type { StudyId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';
import { retryWhileAway } from '../orthanc/retry-while-away.js';
import type { Queue } from '../queue/queue.js';
import { StateFile } from '../store/state-file.js';
import { type QuietHours, untilQuiet } from './quiet-hours.js';
import { Watermark } from './watermark.js';

const stored = z.object({
  order: z.enum(sweepOrders),
  /** Series that are settled, in that order. */
  done: z.number().int().min(0),
  /** The network that is swept for: another one begins anew. */
  network: z.string(),
});

export interface SweepProgress {
  state: 'idle' | 'running' | 'waiting';
  order?: SweepOrder;
  /** Series settled, and series that there are; the archive may grow meanwhile. */
  done: number;
  total: number;
  /** Instances found without a decision, so far. */
  found: number;
  /** Studies left as they are, since they cannot be read or added up. */
  left: number;
  /** Series a second since this start. */
  rate: number;
  /** Seconds to go at that rate. */
  secondsLeft?: number;
  /** Why the last one broke off. */
  problem?: string;
}

interface Parts {
  orthanc: Orthanc;
  queue: Queue;
  /** SHA-256 of the network that decides now. */
  network: string;
  modalities: readonly string[];
  isSettled: (instance: IdentifiedInstance) => boolean;
  aggregates: Pick<Aggregates, 'isUpToDate' | 'aggregate'>;
  /** Instances a second at most; 0: as fast as Orthanc allows. */
  rate: number;
  quietHours: QuietHours | undefined;
  stateDir: string;
  log: Logger;
  /** The clock, for tests. */
  sleep?: typeof sleep;
}

const pageSize = 50;
const mostOpen = 200;
const reportMs = 30_000;

/**
 * Goes through the archive, series by series, for plain radiographs without a decision of the network in use and
 * for studies whose labels are out of step: what no notice and no change log tells of. One sweep at a time; a
 * restart goes on where the last one stopped.
 */
export class Sweep {
  readonly #parts: Parts;
  readonly #sleep: typeof sleep;
  readonly #file: StateFile<typeof stored>;
  readonly #stop = new AbortController();
  #progress: SweepProgress = { state: 'idle', done: 0, total: 0, found: 0, left: 0, rate: 0 };
  /** A study of several series is come to several times, and in every pass. */
  readonly #left = new Set<StudyId>();
  #isStarted = false;
  /** Whether something was deleted during this pass. */
  #shrank = false;
  #running: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#sleep = parts.sleep ?? sleep;
    this.#file = new StateFile(parts.stateDir, 'sweep.json', stored);
  }

  get progress(): SweepProgress {
    return this.#progress;
  }

  /** Begins a sweep, unless one is under way. */
  begin(order: SweepOrder = 'newest'): void {
    this.#begin({ order, done: 0, network: this.#parts.network });
  }

  /** Begins a sweep of all that there is now: after the one under way, which may have passed it by. */
  beginAnew(): void {
    const before = this.#running;
    if (before === undefined) this.begin();
    else void before.then(() => this.#stop.signal.aborted || this.begin());
  }

  /** Orthanc answers: at the start, what a stop interrupted goes on. Later, a sweep waits for Orthanc by itself. */
  resume(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const left = this.#file.read();
    if (left !== undefined && left.network === this.#parts.network) this.#begin(left);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  #begin(from: z.output<typeof stored>): void {
    this.#running ??= this.#passes(from)
      .catch((caught: unknown) => {
        const error = asPlainviewError(caught);
        this.#progress = { ...this.#progress, problem: error.message };
        this.#parts.log.error(
          { err: error },
          'the sweep broke off; a restart goes on from there, the next one begins anew',
        );
      })
      .finally(() => {
        this.#running = undefined;
        this.#progress = { ...this.#progress, state: 'idle' };
      });
  }

  /**
   * The list moves while it is gone through: what receives an instance – a file that is stored anew with its tags, too –
   * goes to its newer end, what is deleted leaves it, and what stands behind either moves up, unseen. So it is gone
   * through again where it was seen to shrink, after a restart, and as long as each time finds less to do.
   */
  async #passes(from: z.output<typeof stored>): Promise<void> {
    let before = Number.POSITIVE_INFINITY;
    let total = 0;
    this.#left.clear();
    for (let next = from; ; next = { ...from, done: 0 }) {
      this.#shrank = false;
      const found = (await this.#run(next, total)) - total;
      total += found;
      if (this.#stop.signal.aborted) return;
      const again = (found > 0 && found < before) || next.done > 0 || (this.#shrank && next === from);
      if (!again) break;
      this.#parts.log.info({ found }, 'sweep goes through the list once more: it may have moved meanwhile');
      before = found;
    }
    await this.#file.write({ order: from.order, done: 0, network: 'none' });
    this.#parts.log.info(this.#progress, 'sweep ends');
  }

  /** @returns how many instances have needed a look, with those of the passes before */
  async #run(from: z.output<typeof stored>, already: number): Promise<number> {
    const { orthanc, modalities, log } = this.#parts;
    const { signal } = this.#stop;
    const { order } = from;
    const began = performance.now();
    const watermark = new Watermark(from.done, mostOpen);
    let reported = began;
    this.#progress = {
      state: 'running',
      order,
      done: from.done,
      total: 0,
      found: already,
      left: this.#left.size,
      rate: 0,
    };
    log.info({ order, from: from.done }, 'sweep begins');
    await this.#file.write(from);
    for (let more = true; more && !signal.aborted; ) {
      await this.#awaitQuiet();
      const page = await this.#whileAway(async () => {
        const total = (await orthanc.search.countSeries(modalities)) ?? 0;
        this.#shrank ||= total < this.#progress.total;
        this.#progress.total = total;
        return orthanc.search.seriesByUpdate(modalities, { order, since: watermark.read, limit: pageSize });
      });
      if (page === undefined) break;
      const found = await this.#look(page.studies, page.series, watermark);
      // The stop may have come before its end: the next start looks at this page again.
      if (signal.aborted) break;
      watermark.advance(watermark.read + page.series.size);
      more = page.series.size > 0;
      await watermark.room(signal);
      await this.#file.write({ ...from, done: watermark.settled });
      this.#report(watermark, from.done, began, found);
      if (performance.now() - reported > reportMs) {
        reported = performance.now();
        log.info(this.#progress, 'sweep');
      }
      if (this.#parts.rate > 0) await this.#sleep((found / this.#parts.rate) * 1000, signal);
    }
    // An end that is not yet settled is not an end: a kill now must find the last page again.
    while (watermark.jobs > 0 && !signal.aborted) await this.#sleep(100, signal);
    this.#report(watermark, from.done, began, 0);
    return this.#progress.found;
  }

  /** @returns how many instances need a look */
  async #look(
    studies: readonly StudyId[],
    series: ReadonlySet<string>,
    watermark: Watermark,
  ): Promise<number> {
    const { queue, isSettled, aggregates } = this.#parts;
    let found = 0;
    for (const tree of await this.#trees(studies)) {
      for (const instance of tree.instances) {
        if (!series.has(instance.ParentSeries) || isSettled(instance)) continue;
        queue.enqueue(instance.ID, 'changes', {
          isNew: isUntouched(instance),
          settled: watermark.open(watermark.read + 1),
        });
        found++;
      }
      const { ID } = tree.study;
      await this.#orLeave(ID, async () => {
        if (!aggregates.isUpToDate(tree)) await aggregates.aggregate(ID);
      });
    }
    return found;
  }

  /** Whole studies together, or each by itself where one of them cannot be read. */
  async #trees(studies: readonly StudyId[]): Promise<StudyTree[]> {
    const { orthanc } = this.#parts;
    try {
      return (await this.#whileAway(() => orthanc.hierarchy.trees(studies))) ?? [];
    } catch {
      // Which of them it is, and what ails it, is told of that one.
      const trees: StudyTree[] = [];
      for (const id of studies)
        trees.push(...((await this.#orLeave(id, () => orthanc.hierarchy.trees([id]))) ?? []));
      return trees;
    }
  }

  /** One study for which no waiting helps must not keep the sweep from the rest of the archive, week after week. */
  async #orLeave<T>(study: StudyId, step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#whileAway(step);
    } catch (caught) {
      this.#left.add(study);
      this.#progress.left = this.#left.size;
      this.#parts.log.error({ err: asPlainviewError(caught), study }, 'the sweep leaves this study as it is');
      return undefined;
    }
  }

  #whileAway<T>(step: () => Promise<T>): Promise<T | undefined> {
    return retryWhileAway(step, this.#parts, this.#stop.signal);
  }

  async #awaitQuiet(): Promise<void> {
    const { quietHours, log } = this.#parts;
    const ms = quietHours === undefined ? 0 : untilQuiet(quietHours, new Date());
    if (ms === 0) return;
    log.info({ minutes: Math.round(ms / 60_000) }, 'sweep waits for the quiet hours');
    this.#progress = { ...this.#progress, state: 'waiting' };
    await this.#sleep(ms, this.#stop.signal);
    this.#progress = { ...this.#progress, state: 'running' };
  }

  #report(watermark: Watermark, from: number, began: number, found: number): void {
    const { total } = this.#progress;
    const done = watermark.settled;
    const rate = (done - from) / ((performance.now() - began) / 1000);
    this.#progress = {
      ...this.#progress,
      done,
      found: this.#progress.found + found,
      rate: Math.round(rate * 10) / 10,
      ...(rate > 0 ? { secondsLeft: Math.max(0, Math.round((total - done) / rate)) } : {}),
    };
  }
}
