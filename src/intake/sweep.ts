import type { Logger } from 'pino';
import { z } from 'zod';
import { sleep } from '../async/sleep.js';
import { type SweepOrder, type SweepProgress, sweepOrders } from '../contract/sweep.js';
import type { Reconciler } from '../decisions/reconciler.js';
import { asPlainviewError } from '../errors/errors.js';
import { radiographsOf, type StudyTree } from '../orthanc/hierarchy.js';
import type { StudyId } from '../orthanc/ids.js';
import { KindCounts } from '../orthanc/kind-counts.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { IndexedSeries } from '../orthanc/radiographs.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';
import { retryWhileAway } from '../orthanc/retry-while-away.js';
import type { Queue } from '../queue/queue.js';
import { readOrSetAside, type Store } from '../store/store.js';
import { type QuietHours, untilQuiet } from './quiet-hours.js';
import { Watermark } from './watermark.js';

const sweepState = z.object({
  order: z.enum(sweepOrders),
  /** The number of series that are settled, in that order. */
  done: z.number().int().min(0),
  /** SHA-256 of the network. The sweep of another network is not continued. */
  network: z.string(),
});

type SweepState = z.output<typeof sweepState>;

const document = 'sweep';
/** In place of a network: no sweep was interrupted. */
const ended = 'none';

interface Parts {
  orthanc: Orthanc;
  queue: Queue;
  /** SHA-256 of the network in use. It can change during a sweep. */
  network: () => string;
  modalities: readonly string[];
  /** SOP classes of what Plainview itself stores: it may be all that is left of a study. */
  ownClasses?: readonly string[];
  isSettled: (instance: IdentifiedInstance) => Promise<boolean>;
  reconciler: Pick<Reconciler, 'reconcile'>;
  /** Limits the instances found in a second; 0: no limit. */
  rate: number;
  quietHours: QuietHours | undefined;
  store: Store;
  log: Logger;
  /** Replaced in tests. */
  sleep?: typeof sleep;
}

const pageSize = 50;
const maxOpen = 200;
const reportMs = 30_000;
/** Between two looks at the clock while a sweep waits for the quiet hours. */
const longestWaitMs = 60_000;

/**
 * Reads the archive, series by series. Enqueues plain radiographs without a decision of the network in use, and corrects
 * studies whose labels are not up to date. Neither the hook nor the change log reports these. One sweep runs at a time.
 * After a restart it goes on where it stopped.
 */
export class Sweep {
  readonly #parts: Parts;
  readonly #sleep: typeof sleep;
  readonly #stop = new AbortController();
  #progress: SweepProgress = {
    state: 'idle',
    done: 0,
    total: 0,
    found: 0,
    mended: 0,
    left: 0,
    leftAlone: {},
    rate: 0,
  };
  /** Studies that could not be read or corrected. A set: a study of several series is met several times. */
  readonly #skipped = new Set<StudyId>();
  /** Series of other kinds, of the current pass. */
  #leftAlone = new KindCounts();
  #isStarted = false;
  /** Whether something was deleted during this pass. */
  #hasShrunk = false;
  #running: Promise<void> | undefined;
  #saved: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#sleep = parts.sleep ?? sleep;
  }

  get progress(): SweepProgress {
    return this.#progress;
  }

  /** When this resolves, a restart resumes the sweep that was begun last. @throws state_unusable */
  get saved(): Promise<void> {
    return this.#saved;
  }

  /** Begins a sweep, unless one is running. */
  begin(order: SweepOrder = 'newest'): void {
    this.#begin({ order, done: 0, network: this.#parts.network() });
  }

  /** Begins a sweep of everything that is in Orthanc now. If one is running, it begins after that one. */
  beginAfterCurrent(): void {
    const before = this.#running;
    if (before === undefined) this.begin();
    else void before.then(() => this.#stop.signal.aborted || this.begin());
  }

  /** At the first call, resumes the sweep that a stop interrupted. A running sweep waits for Orthanc itself. */
  async resume(): Promise<void> {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const { store, log } = this.#parts;
    const interrupted = await readOrSetAside(store, document, sweepState, log);
    // It may have been interrupted. A sweep too many finds nothing.
    if (interrupted === 'damaged') this.begin();
    else if (interrupted === undefined || interrupted.network === ended) return;
    else if (interrupted.network === this.#parts.network()) this.#begin(interrupted);
    // What it had passed was settled for a network that is not in use any more.
    else this.begin(interrupted.order);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  #begin(from: SweepState): void {
    this.#running ??= this.#runPasses(from)
      .catch((caught: unknown) => {
        const error = asPlainviewError(caught);
        this.#progress = { ...this.#progress, problem: error.message };
        this.#parts.log.error(
          { err: error },
          'the sweep failed; a restart resumes it, a new sweep begins from the start',
        );
      })
      .finally(() => {
        this.#running = undefined;
        this.#progress = { ...this.#progress, state: 'idle' };
      });
  }

  /**
   * The list of series changes while it is read. A series that receives an instance moves to the newer end; that includes
   * a file that Plainview stores again with its tags. A deleted series disappears. The series behind it then move up and
   * can be missed. So the list is read again if it has become shorter, after a restart, and as long as each pass finds
   * fewer instances than the one before.
   */
  async #runPasses(from: SweepState): Promise<void> {
    let before = Number.POSITIVE_INFINITY;
    let total = 0;
    const { network } = this.#parts;
    this.#skipped.clear();
    for (let next = from; ; next = { ...from, done: 0, network: network() }) {
      this.#hasShrunk = false;
      const found = (await this.#runPass(next, total)) - total;
      total += found;
      if (this.#stop.signal.aborted) return;
      const needsAnotherPass =
        next.network !== network() ||
        (found > 0 && found < before) ||
        next.done > 0 ||
        (this.#hasShrunk && next === from);
      if (!needsAnotherPass) break;
      this.#parts.log.info({ found }, 'sweep reads the list of series again: it may have changed meanwhile');
      before = next.network === network() ? found : Number.POSITIVE_INFINITY;
    }
    await this.#save({ order: from.order, done: 0, network: ended });
    const { state: _, ...progress } = this.#progress;
    this.#parts.log.info(progress, 'sweep ends');
  }

  /** @returns the number of instances found, including the passes before */
  async #runPass(from: SweepState, foundBefore: number): Promise<number> {
    const { orthanc, log } = this.#parts;
    const { signal } = this.#stop;
    const { order } = from;
    const began = performance.now();
    const watermark = new Watermark(from.done, maxOpen);
    let reported = began;
    this.#leftAlone = new KindCounts();
    this.#progress = {
      state: 'running',
      order,
      done: from.done,
      total: 0,
      found: foundBefore,
      mended: from.done === 0 && foundBefore === 0 ? 0 : this.#progress.mended,
      left: this.#skipped.size,
      leftAlone: {},
      rate: 0,
    };
    log.info({ order, from: from.done }, 'sweep begins');
    this.#saved = this.#save(from);
    await this.#saved;
    for (let more = true; more && !signal.aborted; ) {
      await this.#waitForQuietHours();
      const page = await this.#whileAway(async () => {
        const total = (await orthanc.search.countSeries()) ?? 0;
        this.#hasShrunk ||= total < this.#progress.total;
        this.#progress.total = total;
        return orthanc.search.seriesByUpdate({ order, since: watermark.read, limit: pageSize });
      });
      if (page === undefined) break;
      const found = await this.#processPage(await this.#withRadiographs(page), watermark);
      // The page may be incomplete. The next start reads it again.
      if (signal.aborted) break;
      watermark.advance(watermark.read + page.length);
      more = page.length > 0;
      await watermark.waitForCapacity(signal);
      await this.#save({ ...from, done: watermark.settled });
      this.#updateProgress(watermark, from.done, began, found);
      if (performance.now() - reported > reportMs) {
        reported = performance.now();
        log.info(this.#progress, 'sweep');
      }
      if (this.#parts.rate > 0) await this.#sleep((found / this.#parts.rate) * 1000, signal);
    }
    // The sweep ends when its jobs are settled. After a kill before that, the last page is read again.
    while (watermark.openJobs > 0 && !signal.aborted) await this.#sleep(100, signal);
    this.#updateProgress(watermark, from.done, began, 0);
    return this.#progress.found;
  }

  /** Leaves out series of other kinds, but for Plainview's own, and counts them. */
  async #withRadiographs(page: readonly IndexedSeries[]): Promise<readonly IndexedSeries[]> {
    const { orthanc, modalities, ownClasses, log } = this.#parts;
    try {
      const found = await this.#whileAway(() =>
        orthanc.hierarchy.withRadiographs(page, modalities, ownClasses),
      );
      for (const kinds of found?.others ?? []) this.#leftAlone.count(kinds);
      this.#progress.leftAlone = this.#leftAlone.all;
      return found?.holding ?? [];
    } catch (caught) {
      log.warn({ err: asPlainviewError(caught) }, 'the sweep reads these series one by one');
      return page;
    }
  }

  /** Enqueues undecided instances, and corrects studies. @returns the number of instances enqueued */
  async #processPage(page: readonly IndexedSeries[], watermark: Watermark): Promise<number> {
    const { queue, isSettled, reconciler, modalities } = this.#parts;
    const series = new Set(page.map(({ id }) => id));
    let found = 0;
    for (const tree of await this.#readStudies([...new Set(page.map(({ study }) => study))])) {
      for (const instance of radiographsOf(tree.series, tree.instances, modalities)) {
        if (!series.has(instance.ParentSeries) || (await isSettled(instance))) continue;
        queue.enqueue(instance.ID, 'sweep', {
          settled: watermark.open(watermark.read + 1),
        });
        found++;
      }
      await this.#orSkip(tree.study.ID, async () => {
        const mended = await reconciler.reconcile(tree);
        this.#progress.mended += mended.length;
      });
    }
    return found;
  }

  /** Reads studies together, or one by one where one of them cannot be read. */
  async #readStudies(studies: readonly StudyId[]): Promise<StudyTree[]> {
    const { orthanc } = this.#parts;
    try {
      return (await this.#whileAway(() => orthanc.hierarchy.trees(studies))) ?? [];
    } catch {
      // Read one by one, each failure is logged with its study.
      const trees: StudyTree[] = [];
      for (const id of studies)
        trees.push(...((await this.#orSkip(id, () => orthanc.hierarchy.trees([id]))) ?? []));
      return trees;
    }
  }

  /** Skips a study whose error is not an outage, so that it does not end the sweep. */
  async #orSkip<T>(study: StudyId, step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#whileAway(step);
    } catch (caught) {
      this.#skipped.add(study);
      this.#progress.left = this.#skipped.size;
      this.#parts.log.error({ err: asPlainviewError(caught), study }, 'the sweep skips this study');
      return undefined;
    }
  }

  #save(state: SweepState): Promise<void> {
    return this.#parts.store.write(document, state);
  }

  #whileAway<T>(step: () => Promise<T>): Promise<T | undefined> {
    return retryWhileAway(step, this.#parts, this.#stop.signal);
  }

  async #waitForQuietHours(): Promise<void> {
    const { quietHours, log } = this.#parts;
    const untilBegin = () => (quietHours === undefined ? 0 : untilQuiet(quietHours, new Date()));
    let ms = untilBegin();
    if (ms === 0) return;
    log.info({ minutes: Math.round(ms / 60_000) }, 'sweep waits for the quiet hours');
    this.#progress = { ...this.#progress, state: 'waiting' };
    // The clock can be set meanwhile, and a machine that is asleep does not wait.
    for (; ms > 0 && !this.#stop.signal.aborted; ms = untilBegin())
      await this.#sleep(Math.min(ms, longestWaitMs), this.#stop.signal);
    this.#progress = { ...this.#progress, state: 'running' };
  }

  #updateProgress(watermark: Watermark, from: number, began: number, found: number): void {
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
