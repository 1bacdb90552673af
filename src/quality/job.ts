import type { Logger } from 'pino';
import { sleep } from '../async/sleep.js';
import { dimensions, type QualityAnswer, type QualityReport, qualityReport } from '../contract/quality.js';
import { asPlainviewError, detailOf, type ErrorDetail } from '../errors/errors.js';
import { studyDates } from '../orthanc/dates.js';
import { retryWhileAway } from '../orthanc/retry-while-away.js';
import { readOrSetAside, type Store } from '../store/store.js';
import { type Making, makeReport, type Wanted } from './make.js';
import type { Retry } from './radiographs.js';

/** Pauses between two parts of the archive, so that Orthanc stays free for other work. */
const pauseMs = 100;

/** The number goes up with a change of the report's shape: an older report is not read then, and a new one is made. */
const document = 'quality-report-2';

interface Parts extends Pick<Making, 'orthanc' | 'categories' | 'config'> {
  store: Store;
  log: Logger;
}

/** Makes the report in the service, one at a time. The last one is kept in the store. */
export class QualityReports {
  readonly #parts: Parts;
  readonly #stop = new AbortController();
  #report: QualityReport | undefined;
  #running: { progress: NonNullable<QualityAnswer['progress']>; ended: Promise<void> } | undefined;
  #failure: ErrorDetail | undefined;

  /** @throws state_unusable */
  static async open(parts: Parts): Promise<QualityReports> {
    const kept = await readOrSetAside(parts.store, document, qualityReport, parts.log);
    return new QualityReports(parts, kept === 'damaged' ? undefined : kept);
  }

  private constructor(parts: Parts, report: QualityReport | undefined) {
    this.#parts = parts;
    this.#report = report;
  }

  get answer(): QualityAnswer {
    const [report, failure] = [this.#report, this.#failure];
    return {
      state: this.#running === undefined ? 'idle' : 'running',
      ...(this.#running === undefined ? {} : { progress: this.#running.progress }),
      ...(failure === undefined ? {} : { failure }),
      ...(report === undefined ? {} : { report }),
    };
  }

  /** @returns false where one is being made already: that one goes on */
  begin(wanted: Wanted): boolean {
    if (this.#running !== undefined) return false;
    this.#failure = undefined;
    const progress = { done: 0, radiographs: 0 };
    const ended = this.#make(wanted, progress).finally(() => {
      this.#running = undefined;
    });
    this.#running = { progress, ended };
    return true;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running?.ended;
  }

  async #make(wanted: Wanted, progress: NonNullable<QualityAnswer['progress']>): Promise<void> {
    const { orthanc, categories, config, store, log } = this.#parts;
    const { signal } = this.#stop;
    const retry: Retry = (step) => retryWhileAway(step, this.#parts, signal);
    try {
      const total = await retry(() => orthanc.search.countSeries(studyDates(wanted)));
      if (total !== undefined) progress.total = total;
      const report = await makeReport({
        orthanc,
        categories,
        config,
        wanted,
        dimensions,
        retry,
        onPage: async ({ series, radiographs }) => {
          progress.done += series;
          progress.radiographs += radiographs.length;
          await sleep(pauseMs, signal);
        },
      });
      // What was read before the service stops is not the archive.
      if (signal.aborted) return;
      await store.write(document, report);
      this.#report = report;
      log.info({ radiographs: report.all.radiographs }, 'the report on DICOM attributes is made');
    } catch (caught) {
      const error = asPlainviewError(caught);
      this.#failure = detailOf(error);
      log.error({ err: error }, 'the report on DICOM attributes could not be made');
    }
  }
}
