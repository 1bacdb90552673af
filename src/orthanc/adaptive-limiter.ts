import { sleep } from '../async/sleep.js';

/** A call this much slower than calls usually are says that Orthanc is busy with others, or with us. */
const slowFactor = 4;
/** Below this, slowness is noise. */
const slowMs = 50;

/**
 * The load that Plainview puts on Orthanc: calls at a time and calls a second. Orthanc comes first: while its
 * answers are slow, fewer of our calls are under way, down to one; as they get quick again, more, one by one
 * (additive increase, multiplicative decrease, as in TCP's congestion control).
 */
export class AdaptiveLimiter {
  readonly #most: number;
  readonly #spacingMs: number;
  readonly #ended: AbortSignal;
  /** Calls at a time, now; grows by fractions. */
  #limit: number;
  #underway = 0;
  readonly #waiting: (() => void)[] = [];
  #nextAt = 0;
  #usualMs: number | undefined;
  #latelyMs = 0;
  /** Calls to be seen before the limit is lowered again: what was lowered needs time to show. */
  #patience = 0;

  /**
   * @param perSecond 0: no ceiling
   * @param ended once aborted, the ceiling holds nobody up
   */
  constructor({ most, perSecond, ended }: { most: number; perSecond: number; ended?: AbortSignal }) {
    this.#most = most;
    this.#limit = most;
    this.#spacingMs = perSecond > 0 ? 1000 / perSecond : 0;
    this.#ended = ended ?? new AbortController().signal;
  }

  /** How many calls may be under way now. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** @param telling whether the call's duration tells of Orthanc's load: a rendering takes long by nature */
  async run<T>(telling: boolean, call: () => Promise<T>): Promise<T> {
    if (this.#underway < this.limit) this.#underway++;
    // Whoever makes room hands it over, so nobody slips in between.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await this.#turn();
      const began = performance.now();
      const took = () => performance.now() - began;
      try {
        const result = await call();
        if (telling) this.observe(took());
        return result;
      } catch (error) {
        // A refusal that comes at once tells nothing; a time-out tells most.
        if (telling && took() > slowMs) this.observe(took());
        throw error;
      }
    } finally {
      this.#underway--;
      for (
        let next = this.#waiting[0];
        next !== undefined && this.#underway < this.limit;
        next = this.#waiting[0]
      ) {
        this.#waiting.shift();
        this.#underway++;
        next();
      }
    }
  }

  /** Learns from how long a call took, in milliseconds. */
  observe(ms: number): void {
    // The usual follows downwards at once and upwards over tens of thousands of calls: a slower machine becomes the usual, a busy hour does not.
    const usual = this.#usualMs;
    this.#usualMs = usual === undefined || ms < usual ? ms : usual + (ms - usual) / 20_000;
    this.#latelyMs += (ms - this.#latelyMs) / 8;
    if (this.#latelyMs > Math.max(slowMs, this.#usualMs * slowFactor)) {
      if (this.#patience-- > 0) return;
      this.#limit = Math.max(1, this.#limit * 0.7);
      this.#patience = 2 * this.#most;
    } else {
      this.#limit = Math.min(this.#most, this.#limit + 1 / (4 * this.#limit));
    }
  }

  async #turn(): Promise<void> {
    if (this.#spacingMs === 0) return;
    const now = performance.now();
    const at = Math.max(now, this.#nextAt);
    this.#nextAt = at + this.#spacingMs;
    if (at > now) await sleep(at - now, this.#ended);
  }
}
