import type { NoticeOutcome } from '../metrics/metrics.js';

/** What `/health/ready` tells of the hook in Orthanc, since the start of this process. */
export interface NoticesAnswer {
  /** ISO 8601. */
  since: string;
  /** Notices that were taken. */
  taken: number;
  /** When the last one was taken. */
  last?: string;
  /** Notices that were refused, because the secret of the hook is another one. */
  refused: number;
  lastRefused?: string;
}

/** Counts the calls of Orthanc's hook. */
export class Notices {
  readonly #since = new Date();
  readonly #times: Partial<Record<'taken' | 'refused', { count: number; last: Date }>> = {};

  note(outcome: NoticeOutcome): void {
    const kind = { accepted: 'taken', own: 'taken', unauthorised: 'refused', malformed: undefined } as const;
    const of = kind[outcome];
    if (of !== undefined) this.#times[of] = { count: (this.#times[of]?.count ?? 0) + 1, last: new Date() };
  }

  get last(): Date | undefined {
    return this.#times.taken?.last;
  }

  get answer(): NoticesAnswer {
    const { taken, refused } = this.#times;
    return {
      since: this.#since.toISOString(),
      taken: taken?.count ?? 0,
      ...(taken === undefined ? {} : { last: taken.last.toISOString() }),
      refused: refused?.count ?? 0,
      ...(refused === undefined ? {} : { lastRefused: refused.last.toISOString() }),
    };
  }
}
