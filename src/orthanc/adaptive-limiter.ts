import { sleep } from '../async/sleep.js';

/** A call that takes this many times the usual duration shows that Orthanc is busy. */
const slowFactor = 4;
/** A shorter duration never counts as slow. */
const slowMs = 50;

/**
 * Limits the calls to Orthanc: calls at a time, and calls a second. While Orthanc answers slowly, the limit on calls at
 * a time falls, down to one. When Orthanc is quick again, it rises in small steps (additive increase, multiplicative
 * decrease, as in TCP's congestion control).
 */
export class AdaptiveLimiter {
  readonly #maxConcurrent: number;
  readonly #spacingMs: number;
  /** Others that call the same Orthanc, this one included. */
  #sharedBy = 1;
  readonly #stopped: AbortSignal;
  /** The present limit on calls at a time. It grows by fractions. */
  #limit: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  #nextAt = 0;
  #usualMs: number | undefined;
  #recentMs = 0;
  /** Slow calls that are still ignored. A lower limit needs time to take effect before it is lowered again. */
  #ignoredSlowCalls = 0;

  /**
   * @param maxConcurrent most calls at a time
   * @param perSecond most calls a second; 0: no limit
   * @param stopped once aborted, calls no longer wait for the limit per second
   */
  constructor({
    maxConcurrent,
    perSecond,
    stopped,
  }: { maxConcurrent: number; perSecond: number; stopped?: AbortSignal }) {
    this.#maxConcurrent = maxConcurrent;
    this.#limit = maxConcurrent;
    this.#spacingMs = perSecond > 0 ? 1000 / perSecond : 0;
    this.#stopped = stopped ?? new AbortController().signal;
  }

  /** @param others that call the same Orthanc, this one included: the calls a second are divided among them */
  shareRate(others: number): void {
    this.#sharedBy = others;
  }

  /** How many calls may run now. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** @param isMeasured whether the call's duration shows Orthanc's load. A rendering always takes long. */
  async run<T>(isMeasured: boolean, call: () => Promise<T>): Promise<T> {
    if (this.#running < this.limit) this.#running++;
    // The call that ends passes its place on, so that no other call can take it.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await this.#waitForRate();
      const began = performance.now();
      const took = () => performance.now() - began;
      try {
        const result = await call();
        if (isMeasured) this.observe(took());
        return result;
      } catch (error) {
        // A quick refusal says nothing about the load. A time-out does.
        if (isMeasured && took() > slowMs) this.observe(took());
        throw error;
      }
    } finally {
      this.#running--;
      for (
        let next = this.#waiting[0];
        next !== undefined && this.#running < this.limit;
        next = this.#waiting[0]
      ) {
        this.#waiting.shift();
        this.#running++;
        next();
      }
    }
  }

  /** @param ms duration of a call, milliseconds */
  observe(ms: number): void {
    // The usual duration falls at once and rises over tens of thousands of calls. So a slower machine becomes usual,
    // and a busy hour does not.
    const usual = this.#usualMs;
    this.#usualMs = usual === undefined || ms < usual ? ms : usual + (ms - usual) / 20_000;
    this.#recentMs += (ms - this.#recentMs) / 8;
    if (this.#recentMs > Math.max(slowMs, this.#usualMs * slowFactor)) {
      if (this.#ignoredSlowCalls-- > 0) return;
      this.#limit = Math.max(1, this.#limit * 0.7);
      this.#ignoredSlowCalls = 2 * this.#maxConcurrent;
    } else {
      this.#limit = Math.min(this.#maxConcurrent, this.#limit + 1 / (4 * this.#limit));
    }
  }

  async #waitForRate(): Promise<void> {
    if (this.#spacingMs === 0) return;
    const now = performance.now();
    const at = Math.max(now, this.#nextAt);
    this.#nextAt = at + this.#spacingMs * this.#sharedBy;
    if (at > now) await sleep(at - now, this.#stopped);
  }
}
