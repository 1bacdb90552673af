import type { Logger } from 'pino';
import { sleep } from '../async/sleep.js';
import type { Config } from '../config/options.js';
import type { StatisticsAnswer as Answer } from '../contract/review.js';
import { recordOf } from '../decisions/read.js';
import type { Recorded } from '../decisions/record-writer.js';
import { asPlainviewError } from '../errors/errors.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { select } from '../select/select.js';
import { readOrSetAside, type Store } from '../store/store.js';
import { answerOf, type KnownNetwork } from './answer.js';
import { countBacklog } from './backlog.js';
import { type DailyCounts, dailyCounts, emptyCounts, prune } from './daily-counts.js';
import { ExposureCounter, Recount } from './exposures.js';

/** The number of days that are kept. */
export const maxDays = 400;

/** A recount pauses between two pages, so that it does not slow down Orthanc. */
const pauseMs = 100;
/** Networks' decisions are saved after this delay. A kill loses only the decisions within it. */
const saveAfterMs = 10_000;
const retryMs = 5000;
const backlogMaxAgeMs = 5000;

const document = 'statistics';

type Parts = Pick<Config, 'modalities' | 'labelPrefix'> & {
  /** Its network can change. */
  classifier: { readonly network: KnownNetwork };
  store: Store;
  orthanc: Orthanc;
  log: Logger;
  /** The clock, for tests. */
  sleep?: typeof sleep;
};

/**
 * Counts decisions and persons' verdicts by day, and keeps the counts in the store. Where they are missing or
 * damaged there, the first request for statistics starts a recount of the records in Orthanc.
 */
export class Statistics {
  readonly #parts: Parts;
  readonly #sleep: typeof sleep;
  readonly #stop = new AbortController();
  /** Undefined before the first request. The recount then finds the decisions made before it. */
  #counts: DailyCounts | undefined;
  #complete: boolean;
  #exposures = new ExposureCounter(new Date().toISOString());
  /** Of exposures of which the recount may count another picture yet. */
  #deferred: Recorded[] = [];
  #recount: Promise<void> | undefined;
  #saving: NodeJS.Timeout | undefined;
  #backlog: { at: number; counts: Promise<Answer['backlog']> } | undefined;

  /** @throws state_unusable */
  static async open(parts: Parts): Promise<Statistics> {
    const counts = await readOrSetAside(parts.store, document, dailyCounts, parts.log);
    return new Statistics(parts, counts === 'damaged' ? undefined : counts);
  }

  private constructor(parts: Parts, counts: DailyCounts | undefined) {
    this.#parts = parts;
    this.#sleep = parts.sleep ?? sleep;
    this.#counts = counts;
    this.#complete = counts !== undefined;
  }

  recorded(recorded: Recorded): void {
    const { record, previous, sameExposure } = recorded;
    if (this.#counts === undefined) return;
    if (!this.#complete && sameExposure.length > 0) {
      this.#deferred.push(recorded);
      return;
    }
    this.#exposures.count(this.#counts, recorded);
    if (!this.#complete) return;
    // Persons' verdicts are saved at once, so that none is lost.
    if ([record, previous].some((each) => each?.who === 'person' || each?.acknowledged)) this.#save();
    else this.#saving ??= setTimeout(() => this.#save(), saveAfterMs).unref();
  }

  /** @param days the number of days, including today @throws orthanc_… */
  async of(days: number): Promise<Answer> {
    this.#counts ??= this.#beginRecount();
    const backlog = await this.#countBacklog();
    return {
      ...answerOf(this.#counts, days, new Date(), this.#parts.classifier.network),
      backlog,
      complete: this.#complete,
    };
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#recount;
    clearTimeout(this.#saving);
    // Incomplete counts are not saved: the next start would take them for complete.
    if (this.#counts !== undefined && this.#complete) await this.#parts.store.write(document, this.#counts);
  }

  #save(): void {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    if (this.#counts === undefined) return;
    prune(this.#counts, maxDays);
    this.#parts.store
      .write(document, this.#counts)
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'the statistics could not be saved'));
  }

  #beginRecount(): DailyCounts {
    const begun = emptyCounts();
    const until = new Date().toISOString();
    this.#exposures = new ExposureCounter(until);
    this.#recount = this.#countAll(begun, until);
    return begun;
  }

  async #countAll(into: DailyCounts, until: string): Promise<void> {
    const { modalities, log } = this.#parts;
    const { signal } = this.#stop;
    log.info('statistics are counted from the records in Orthanc');
    const recount = new Recount(into, until);
    let counted = 0;
    try {
      const pages = select(this.#parts.orthanc, { all: true }, modalities, (step) => this.#retried(step));
      for await (const page of pages) {
        for (const instance of page) {
          const record = recordOf(instance)?.record;
          if (record === undefined) continue;
          recount.count(record);
          counted++;
        }
        await this.#sleep(pauseMs, signal);
      }
    } catch {
      return; // Logged.
    }
    if (signal.aborted) return; // The next request after a restart begins a new recount.
    for (const recorded of this.#deferred.splice(0)) this.#exposures.count(into, recorded);
    this.#complete = true;
    this.#save();
    log.info({ counted }, 'statistics are counted');
  }

  /** @returns undefined when the service stops @throws where trying again does not help */
  async #retried<T>(step: () => Promise<T>): Promise<T | undefined> {
    const { signal } = this.#stop;
    while (!signal.aborted)
      try {
        return await step();
      } catch (caught) {
        const error = asPlainviewError(caught);
        if (signal.aborted) return undefined;
        this.#parts.log.warn({ err: error }, 'the count of statistics was interrupted');
        if (!error.transient) throw error;
        await this.#sleep(retryMs, signal);
      }
    return undefined;
  }

  #countBacklog(): Promise<Answer['backlog']> {
    const now = performance.now();
    if (this.#backlog === undefined || now - this.#backlog.at > backlogMaxAgeMs) {
      const counts = countBacklog(this.#parts.orthanc, this.#parts.labelPrefix);
      this.#backlog = { at: now, counts };
      counts.catch(() => {
        this.#backlog = undefined;
      });
    }
    return this.#backlog.counts;
  }
}
