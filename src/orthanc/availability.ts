import { EventEmitter } from 'node:events';
import { sleep } from '../async/sleep.js';
import {
  asPlainviewError,
  detailOf,
  type ErrorCode,
  type ErrorDetail,
  PlainviewError,
} from '../errors/errors.js';
import type { System } from './resources.js';

const retryMs = { first: 250, longest: 5000 };

/** `problem`: why Plainview cannot work with it. An Orthanc that answers can lack configuration. */
type State = { problem?: string; failure?: ErrorDetail } & (
  | { answers: true; version: string }
  | { answers: false; problem: string }
);

/** Whether this error can mean that Orthanc as a whole is away, or refuses Plainview. */
export const mayMeanAway = (error: PlainviewError): boolean =>
  error.code === 'orthanc_unreachable' || error.code === 'orthanc_refused';

/** What Orthanc answers while it runs but has lost its database, among other causes. */
const mayMeanNoIndex: ReadonlySet<string> = new Set<ErrorCode>([
  'orthanc_timeout',
  'orthanc_failed',
  'orthanc_unsupported',
  'orthanc_rejected',
  'instance_not_renderable',
]);

/**
 * Knows whether Orthanc answers. It learns of an outage from the first call that fails, which `isAway` examines, or
 * from a health check every few seconds. During an outage it repeats the health check, one at a time, until Orthanc
 * is back.
 */
export class Availability {
  /**
   * `back`: Orthanc answers, and the preparation has succeeded. `away`: it no longer answers. `problem`: the reason,
   * each time that it changes.
   */
  readonly events = new EventEmitter<{ back: [System]; away: []; problem: [PlainviewError] }>();
  readonly #checkHealth: () => Promise<System>;
  readonly #watchMs: number;
  readonly #sleep: typeof sleep;
  readonly #stopped = new AbortController();
  #prepare: (system: System) => Promise<void> = async () => undefined;
  #state: State = { answers: false, problem: 'not asked yet' };
  /** Settles when Orthanc is back. */
  #returning: Promise<void> | undefined;
  /** The running health check; there is at most one. */
  #checking: Promise<boolean> | undefined;

  /**
   * @param checkHealth throws where Orthanc does not answer
   * @param watchMs between two health checks while Orthanc answers, milliseconds
   * @param sleepFunction tests replace the clock by it
   */
  constructor(checkHealth: () => Promise<System>, watchMs = 5000, sleepFunction: typeof sleep = sleep) {
    this.#checkHealth = checkHealth;
    this.#watchMs = watchMs;
    this.#sleep = sleepFunction;
  }

  /** Whether Orthanc answers, and the preparation has succeeded. */
  get isReady(): boolean {
    return this.#state.problem === undefined;
  }

  get state(): State {
    return this.#state;
  }

  /**
   * Checks until Orthanc answers and the preparation succeeds, or until `stop`. From then on it checks regularly.
   * @param prepare must succeed each time before Orthanc counts as back
   * @throws errors that are not transient, for example where Orthanc answers but lacks what Plainview needs
   */
  async start(prepare: (system: System) => Promise<void>): Promise<void> {
    this.#prepare = prepare;
    await this.#untilBack((error) => error instanceof PlainviewError && error.transient);
    void this.#watch();
  }

  /**
   * Whether this error of a call means that Orthanc is away. Where it can mean that, a health check decides: perhaps
   * Orthanc refuses only this call, or answers only this one too late. After `stop` there is no health check and the
   * answer is yes: the interrupted job must wait for the next start.
   */
  async isAway(error: PlainviewError): Promise<boolean> {
    if (this.#stopped.signal.aborted) return mayMeanAway(error) || mayMeanNoIndex.has(error.code);
    if (mayMeanAway(error) || error.code === 'orthanc_timeout') return !this.isReady || this.#isSilent();
    return mayMeanNoIndex.has(error.code) && (this.#returning !== undefined || this.#isSilent());
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** Finds an outage also where no call meets it: Plainview may be idle, or its call may wait long for a response. */
  async #watch(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#sleep(this.#watchMs, signal);
      if (this.isReady && !signal.aborted) await this.#isSilent();
    }
  }

  /** After an outage every error is waited for: Orthanc may restart with an upgrade or another configuration. */
  #isSilent(): Promise<boolean> {
    this.#checking ??= this.#checkHealth()
      .then(
        () => false,
        (error: unknown) => {
          this.#setAway(error);
          this.#returning ??= this.#untilBack(() => true).finally(() => {
            this.#returning = undefined;
          });
          return true;
        },
      )
      .finally(() => {
        this.#checking = undefined;
      });
    return this.#checking;
  }

  async #untilBack(canWait: (error: unknown) => boolean): Promise<void> {
    const { signal } = this.#stopped;
    for (let ms = retryMs.first; !signal.aborted; ms = Math.min(ms * 2, retryMs.longest)) {
      let version: string | undefined;
      try {
        const system = await this.#checkHealth();
        version = system.Version;
        await this.#prepare(system);
        if (signal.aborted) return;
        this.#state = { answers: true, version: system.Version };
        this.events.emit('back', system);
        return;
      } catch (error) {
        if (!canWait(error)) throw error;
        this.#setAway(error, version);
      }
      await this.#sleep(ms, signal);
    }
  }

  /** @param version where Orthanc answers, but Plainview cannot work with it */
  #setAway(caught: unknown, version?: string): void {
    if (this.#stopped.signal.aborted) return; // Plainview stopped; Orthanc is not away.
    const error = asPlainviewError(caught);
    const before = this.#state;
    const wasReady = this.isReady;
    this.#state =
      version === undefined || mayMeanAway(error) || error.code === 'orthanc_timeout'
        ? { answers: false, problem: error.message, failure: detailOf(error) }
        : { answers: true, version, problem: error.message, failure: detailOf(error) };
    if (before.problem !== error.message) this.events.emit('problem', error);
    if (wasReady) this.events.emit('away');
  }
}
