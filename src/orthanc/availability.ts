import { EventEmitter } from 'node:events';
import { sleep } from '../async/sleep.js';
import { asPlainviewError, PlainviewError } from '../errors/errors.js';
import type { System } from './resources.js';

const retryMs = { first: 250, longest: 5000 };

type State = { answers: true; version: string } | { answers: false; problem: string };

/** It looks as if Orthanc as a whole were away or refused us. */
export const looksAway = (error: PlainviewError): boolean =>
  error.code === 'orthanc_unreachable' || error.code === 'orthanc_refused';

/**
 * Whether Orthanc answers at all. An outage is found by the first job that meets it, which reports it here, or by a sign
 * of life every few seconds. Then work pauses, and one request at a time asks until Orthanc is back.
 */
export class Availability {
  /**
   * `back`: Orthanc answers, and everything is prepared. `away`: it does not answer any more. `problem`: why it does
   * not, each time that the reason changes.
   */
  readonly events = new EventEmitter<{ back: [System]; away: []; problem: [PlainviewError] }>();
  readonly #ask: () => Promise<System>;
  readonly #watchMs: number;
  readonly #sleep: typeof sleep;
  readonly #stopped = new AbortController();
  #prepare: (system: System) => Promise<void> = async () => undefined;
  #state: State = { answers: false, problem: 'not asked yet' };
  /** The requests until Orthanc is back. */
  #waiting: Promise<void> | undefined;
  /** The one sign of life that is under way. */
  #asking: Promise<boolean> | undefined;

  /**
   * @param ask throws where Orthanc does not answer
   * @param watchMs between two signs of life while all is well, milliseconds
   * @param sleeping the clock, for tests
   */
  constructor(ask: () => Promise<System>, watchMs = 5000, sleeping: typeof sleep = sleep) {
    this.#ask = ask;
    this.#watchMs = watchMs;
    this.#sleep = sleeping;
  }

  get state(): State {
    return this.#state;
  }

  /**
   * Asks until Orthanc answers and everything is prepared, or until it is stopped; then watches.
   * @param prepare what must be done each time before Orthanc counts as back
   * @throws what no waiting mends: Orthanc is there, but lacks what is needed
   */
  async start(prepare: (system: System) => Promise<void>): Promise<void> {
    this.#prepare = prepare;
    await this.#untilBack((error) => error instanceof PlainviewError && error.transient);
    void this.#watch();
  }

  /**
   * Whether this error of a call means that Orthanc is away. Where it may, one sign of life decides: else Orthanc
   * refuses that call alone, or does not answer it alone, and nothing else needs to wait. After the stop nothing is
   * asked: what was given up waits for the next start.
   */
  async isAway(error: PlainviewError): Promise<boolean> {
    if (!looksAway(error) && error.code !== 'orthanc_timeout') return false;
    return !this.#state.answers || this.#stopped.signal.aborted || this.#isSilent();
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** There may be no call to an Orthanc that hangs, or a call that waits long for its answer. */
  async #watch(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#sleep(this.#watchMs, signal);
      if (this.#state.answers && !signal.aborted) await this.#isSilent();
    }
  }

  /** After an outage, a lack is waited for too: Orthanc restarts when it is upgraded or configured anew. */
  #isSilent(): Promise<boolean> {
    this.#asking ??= this.#ask()
      .then(
        () => false,
        (error: unknown) => {
          this.#setAway(error);
          this.#waiting ??= this.#untilBack(() => true).finally(() => {
            this.#waiting = undefined;
          });
          return true;
        },
      )
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }

  async #untilBack(isWaitedFor: (error: unknown) => boolean): Promise<void> {
    const { signal } = this.#stopped;
    for (let ms = retryMs.first; !signal.aborted; ms = Math.min(ms * 2, retryMs.longest)) {
      try {
        const system = await this.#ask();
        await this.#prepare(system);
        if (signal.aborted) return;
        this.#state = { answers: true, version: system.Version };
        this.events.emit('back', system);
        return;
      } catch (error) {
        if (!isWaitedFor(error)) throw error;
        this.#setAway(error);
      }
      await this.#sleep(ms, signal);
    }
  }

  #setAway(caught: unknown): void {
    if (this.#stopped.signal.aborted) return; // We left, not Orthanc.
    const error = asPlainviewError(caught);
    const before = this.#state;
    this.#state = { answers: false, problem: error.message };
    if (before.answers || before.problem !== error.message) this.events.emit('problem', error);
    if (before.answers) this.events.emit('away');
  }
}
