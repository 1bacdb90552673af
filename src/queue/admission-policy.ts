/** Where notices never end, the backlog still gets a turn after so long: it must not starve. */
const turnMs = 5000;
/** So many notices within so long: someone sends a stack of pictures as fast as Orthanc takes them. */
const pouring = { notices: 5, withinMs: 333 };
/** While it pours, each job is followed by a rest of so many times its own length, at most `longestRestMs`. */
const restShare = 5;
const longestRestMs = 1000;

/**
 * When the next job may begin, so that whoever stores pictures hardly feels us: each job is work for Orthanc too.
 * Notices of stored pictures tell how busy it is. Times are milliseconds of one clock.
 */
export class AdmissionPolicy {
  readonly #concurrency: number;
  readonly #backlogConcurrency: number;
  readonly #quietMs: number;
  /** Times of the last notices, the oldest first. */
  readonly #notices: number[] = [];
  #lastBacklog = Number.NEGATIVE_INFINITY;
  #restedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param atATime jobs at a time, and how many of them may be a backlog's
   * @param quietMs so long after a notice the backlog rests, and a stack counts as still coming: where one picture
   *   was stored, the next is often on its way
   */
  constructor(atATime: { concurrency: number; backlog: number }, quietMs = 1000) {
    this.#concurrency = atATime.concurrency;
    this.#backlogConcurrency = Math.min(atATime.backlog, atATime.concurrency);
    this.#quietMs = quietMs;
  }

  /** A notice of a stored picture has come. */
  recordNotice(now: number): void {
    this.#notices.push(now);
    if (this.#notices.length > pouring.notices) this.#notices.shift();
  }

  recordJobEnd(began: number, now: number): void {
    if (this.#pours(now)) this.#restedAt = now + Math.min(longestRestMs, restShare * (now - began));
  }

  recordBacklogStart(now: number): void {
    this.#lastBacklog = now;
  }

  /**
   * How long the next job has to wait; Infinity: for the end of a running one.
   * @param running jobs in work
   */
  waitMs(kind: 'urgent' | 'backlog', running: number, now: number): number {
    if (running >= (kind === 'urgent' ? this.#concurrency : this.#backlogConcurrency))
      return Number.POSITIVE_INFINITY;
    const rest = Math.max(0, this.#restedAt - now);
    // The stack may end before the one running job does.
    if (running > 0 && this.#pours(now)) return Math.max(rest, this.#quietAt() - now);
    if (kind === 'urgent') return rest;
    return Math.max(rest, Math.min(this.#quietAt(), this.#lastBacklog + turnMs) - now);
  }

  /** From when on nobody is storing pictures, should no further notice come. */
  #quietAt(): number {
    return (this.#notices.at(-1) ?? Number.NEGATIVE_INFINITY) + this.#quietMs;
  }

  #pours(now: number): boolean {
    const [oldest, last] = [this.#notices[0], this.#notices.at(-1)];
    if (oldest === undefined || last === undefined || this.#notices.length < pouring.notices) return false;
    return last - oldest < pouring.withinMs && now < this.#quietAt();
  }
}
