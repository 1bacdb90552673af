import type { Logger } from 'pino';
import { sleep } from '../async/sleep.js';
import type { Config } from '../config/options.js';
import { asPlainviewError, isAway, PlainviewError } from '../errors/errors.js';
import { Orthanc } from './orthanc.js';

/** Pause between two questions while all is well. */
const watchMs = 5000;
/** How long a sign of life may take, at least: longer where the site is patient with its Orthanc. */
const signWithinMs = 5000;

/**
 * Orthanc, to be asked for a sign of life: over a connection of its own, so that the question stands behind no call
 * that hangs or takes long, and twice, for who lives may be slow once.
 */
export const pulseOf = (config: Config): Orthanc =>
  new Orthanc({
    ...config,
    orthancConnections: 1,
    orthancRate: 0,
    orthancRetries: 1,
    orthancTimeoutMs: Math.max(signWithinMs, Math.round(config.orthancTimeoutMs / 6)),
  });

/**
 * Whether Orthanc answers at all. An outage of an hour is one log line at its start and one at its end: the first job
 * that meets it reports it here, or it shows when Orthanc is asked every few seconds; work pauses, and one probe at a
 * time asks until Orthanc is back.
 */
export class Availability {
  readonly #probe: () => Promise<string>;
  readonly #answers: () => Promise<unknown>;
  readonly #onChange: (up: boolean) => void;
  readonly #log: Logger;
  #state: { up: true; version: string } | { up: false; problem: string } = {
    up: false,
    problem: 'not asked yet',
  };
  #asking: Promise<void> | undefined;
  #doubt: Promise<boolean> | undefined;
  #ended = new AbortController();

  /**
   * @param probe does what is to be done when Orthanc is there again; returns its version, or throws
   * @param answers throws where Orthanc does not answer
   * @param onChange told when Orthanc is found away, and when it is back
   */
  constructor(options: {
    probe: () => Promise<string>;
    answers: () => Promise<unknown>;
    onChange: (up: boolean) => void;
    log: Logger;
  }) {
    this.#probe = options.probe;
    this.#answers = options.answers;
    this.#onChange = options.onChange;
    this.#log = options.log;
  }

  get state(): { answers: boolean; version?: string; problem?: string } {
    return this.#state.up
      ? { answers: true, version: this.#state.version }
      : { answers: false, problem: this.#state.problem };
  }

  /**
   * Asks until Orthanc answers, or until the end.
   * @throws what no waiting mends: Orthanc is there but lacks what is needed
   */
  async start(): Promise<void> {
    await this.#ask((error) => error instanceof PlainviewError && error.transient);
    void this.#watch();
  }

  /**
   * Whether this error of a call means that Orthanc is away. Where it looks so, one question decides: else it is that
   * call alone that Orthanc refuses or falls silent on, and nothing else need wait. After the end nobody asks: what
   * was given up waits for the next start.
   */
  async lost(error: PlainviewError): Promise<boolean> {
    if (!isAway(error) && error.code !== 'orthanc_timeout') return false;
    return !this.#state.up || this.#ended.signal.aborted || this.#isAway();
  }

  end(): void {
    this.#ended.abort();
  }

  /** Nobody may have anything to ask of an Orthanc that hangs, and whoever has waits long for an answer. */
  async #watch(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      await sleep(watchMs, this.#ended.signal);
      if (this.#state.up && !this.#ended.signal.aborted) await this.#isAway();
    }
  }

  /** From an outage on even a lack is waited out: whoever upgrades Orthanc restarts it. */
  #isAway(): Promise<boolean> {
    this.#doubt ??= this.#answers()
      .then(
        () => false,
        (error: unknown) => {
          this.#away(error);
          this.#asking ??= this.#ask(() => true).finally(() => {
            this.#asking = undefined;
          });
          return true;
        },
      )
      .finally(() => {
        this.#doubt = undefined;
      });
    return this.#doubt;
  }

  async #ask(bearable: (error: unknown) => boolean): Promise<void> {
    for (let pauseMs = 250; !this.#ended.signal.aborted; pauseMs = Math.min(pauseMs * 2, 5_000)) {
      try {
        const version = await this.#probe();
        if (this.#ended.signal.aborted) return;
        this.#log.info({ version }, 'Orthanc answers');
        this.#state = { up: true, version };
        this.#onChange(true);
        return;
      } catch (error) {
        if (!bearable(error)) throw error;
        this.#away(error);
      }
      await sleep(pauseMs, this.#ended.signal);
    }
  }

  #away(caught: unknown): void {
    if (this.#ended.signal.aborted) return; // We left, not Orthanc.
    const error = asPlainviewError(caught);
    const known = !this.#state.up && this.#state.problem === error.message;
    const wasUp = this.#state.up;
    this.#state = { up: false, problem: error.message };
    if (!known) this.#log.warn({ code: error.code }, `${error.message} Work waits.`);
    if (wasUp) this.#onChange(false);
  }
}
