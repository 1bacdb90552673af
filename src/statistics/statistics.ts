import type { Logger } from 'pino';
import { sleep } from '../async/sleep.js';
import type { Config } from '../config/options.js';
import type { StatisticsAnswer as Answer } from '../contract/review.js';
import { labelledStates } from '../contract/states.js';
import { recordOf } from '../decisions/read.js';
import type { Recorded } from '../decisions/recorder.js';
import { asPlainviewError } from '../errors/errors.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { StateFile } from '../store/state-file.js';
import { answerOf } from './answer.js';
import { countRecorded, countStanding, type DailyCounts, dailyCounts, emptyCounts, prune } from './tally.js';

/** So many days are kept. */
export const mostDays = 400;

/** Instances looked through at a time when all is counted anew, with a rest between: nobody waits for it. */
const pageSize = 500;
const restMs = 100;
/** Decisions of networks within so long are written at once; a kill loses no more than these. */
const saveAfterMs = 10_000;
const backlogForMs = 5000;

type Parts = Pick<Config, 'modalities' | 'stateDir' | 'labelPrefix'> & {
  orthanc: Orthanc;
  log: Logger;
  /** The clock, for tests. */
  sleep?: typeof sleep;
};

/**
 * Counts by day of what was decided and of what people said to it, kept in the state folder. Where they are missing,
 * they are counted from what stands in Orthanc, once somebody asks for them.
 */
export class Statistics {
  readonly #parts: Parts;
  readonly #file: StateFile<typeof dailyCounts>;
  readonly #sleep: typeof sleep;
  readonly #stop = new AbortController();
  /** Undefined while nobody has asked: what is decided meanwhile is found in Orthanc then. */
  #tally: DailyCounts | undefined;
  #complete: boolean;
  #recount: Promise<void> | undefined;
  #saving: NodeJS.Timeout | undefined;
  #backlog: { at: number; counts: Promise<Answer['backlog']> } | undefined;

  /** @throws state_unusable */
  constructor(parts: Parts) {
    this.#parts = parts;
    this.#sleep = parts.sleep ?? sleep;
    this.#file = new StateFile(parts.stateDir, 'statistics.json', dailyCounts);
    this.#tally = this.#file.read();
    this.#complete = this.#tally !== undefined;
  }

  recorded({ record, previous }: Recorded): void {
    if (this.#tally === undefined) return;
    countRecorded(this.#tally, record, previous);
    if (!this.#complete) return;
    // What a person has done is too dear to be lost.
    if (record.who === 'person' || previous?.who === 'person') this.#save();
    else this.#saving ??= setTimeout(() => this.#save(), saveAfterMs).unref();
  }

  /** @param days up to and with today @throws orthanc_… */
  async of(days: number): Promise<Answer> {
    this.#tally ??= this.#begin();
    const backlog = await this.#countBacklog();
    return { ...answerOf(this.#tally, days, new Date()), backlog, complete: this.#complete };
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#recount;
    clearTimeout(this.#saving);
    // A part of the truth would pass for all of it at the next start.
    if (this.#tally !== undefined && this.#complete) await this.#file.write(this.#tally);
  }

  #save(): void {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    if (this.#tally === undefined) return;
    prune(this.#tally, new Date(Date.now() - mostDays * 86_400_000).toISOString().slice(0, 10));
    this.#file
      .write(this.#tally)
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'the statistics could not be saved'));
  }

  #begin(): DailyCounts {
    const begun = emptyCounts();
    this.#recount = this.#countAll(begun, new Date().toISOString());
    return begun;
  }

  async #countAll(into: DailyCounts, until: string): Promise<void> {
    const { modalities, log } = this.#parts;
    const { signal } = this.#stop;
    log.info('statistics are counted from what stands in Orthanc');
    let counted = 0;
    for (let since = 0; !signal.aborted; ) {
      try {
        const page = await this.#parts.orthanc.listing.instances(modalities, { since, limit: pageSize });
        for (const instance of page) {
          const record = recordOf(instance)?.record;
          if (record === undefined) continue;
          countStanding(into, record, until);
          counted++;
        }
        if (page.length < pageSize) {
          this.#complete = true;
          this.#save();
          log.info({ counted }, 'statistics are counted');
          return;
        }
        since += pageSize;
        await this.#sleep(restMs, signal);
      } catch (caught) {
        if (signal.aborted) return; // Counted anew, once somebody asks again.
        const error = asPlainviewError(caught);
        log.warn({ err: error }, 'statistics could not be counted on');
        if (!error.transient) return;
        await this.#sleep(backlogForMs, signal);
      }
    }
  }

  #countBacklog(): Promise<Answer['backlog']> {
    const now = performance.now();
    if (this.#backlog === undefined || now - this.#backlog.at > backlogForMs) {
      const counts = this.#askBacklog();
      this.#backlog = { at: now, counts };
      counts.catch(() => {
        this.#backlog = undefined;
      });
    }
    return this.#backlog.counts;
  }

  async #askBacklog(): Promise<Answer['backlog']> {
    const { labelPrefix } = this.#parts;
    const counted = await Promise.all(
      labelledStates.map(
        async (state) =>
          [state, await this.#parts.orthanc.search.countLabelled(labelPrefix + state)] as const,
      ),
    );
    return Object.fromEntries(counted.filter(([, count]) => count !== undefined));
  }
}
