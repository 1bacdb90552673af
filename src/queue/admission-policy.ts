/** While notices keep coming, one job of the backlog may still begin after this time, so that it does not starve. */
const maxBacklogWaitMs = 5000;
/** So many notices within this time are a burst: pictures are stored as fast as Orthanc accepts them. */
const burst = { notices: 5, withinMs: 333 };
/** In a burst, each job is followed by a pause of this many times its duration, at most `maxPauseMs`. */
const pauseFactor = 5;
const maxPauseMs = 1000;

/**
 * Decides when the next job may begin. Each job is also work for Orthanc, and it must not slow down the storing of
 * pictures. Notices of stored pictures show how busy Orthanc is. All times are milliseconds of one monotonic clock.
 */
export class AdmissionPolicy {
  readonly #concurrency: number;
  readonly #backlogConcurrency: number;
  readonly #quietMs: number;
  /** Times of the last notices, oldest first. */
  readonly #notices: number[] = [];
  #lastBacklogStart = Number.NEGATIVE_INFINITY;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  /**
   * @param limits jobs at a time, and how many of them may be of the backlog
   * @param quietMs for this time after a notice the backlog pauses and a burst is not over, because the next picture
   *   often follows soon
   */
  constructor(limits: { concurrency: number; backlog: number }, quietMs = 1000) {
    this.#concurrency = limits.concurrency;
    this.#backlogConcurrency = Math.min(limits.backlog, limits.concurrency);
    this.#quietMs = quietMs;
  }

  /** A notice of a stored picture has arrived. */
  recordNotice(now: number): void {
    this.#notices.push(now);
    if (this.#notices.length > burst.notices) this.#notices.shift();
  }

  recordJobEnd(began: number, now: number): void {
    if (this.#isBurst(now)) this.#pausedUntil = now + Math.min(maxPauseMs, pauseFactor * (now - began));
  }

  recordBacklogStart(now: number): void {
    this.#lastBacklogStart = now;
  }

  /**
   * How long the next job must wait, milliseconds. Infinity: until a running job ends.
   * @param running number of running jobs
   */
  waitMs(kind: 'urgent' | 'backlog', running: number, now: number): number {
    if (running >= (kind === 'urgent' ? this.#concurrency : this.#backlogConcurrency))
      return Number.POSITIVE_INFINITY;
    const pause = Math.max(0, this.#pausedUntil - now);
    // The burst may be over before the running job ends.
    if (running > 0 && this.#isBurst(now)) return Math.max(pause, this.#quietAt() - now);
    if (kind === 'urgent') return pause;
    return Math.max(pause, Math.min(this.#quietAt(), this.#lastBacklogStart + maxBacklogWaitMs) - now);
  }

  /** Time at which storing counts as over if no further notice comes. */
  #quietAt(): number {
    return (this.#notices.at(-1) ?? Number.NEGATIVE_INFINITY) + this.#quietMs;
  }

  #isBurst(now: number): boolean {
    const [oldest, last] = [this.#notices[0], this.#notices.at(-1)];
    if (oldest === undefined || last === undefined || this.#notices.length < burst.notices) return false;
    return last - oldest < burst.withinMs && now < this.#quietAt();
  }
}
