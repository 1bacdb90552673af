import { createTask, parse, type ScheduledTask } from 'node-cron';
import type { Logger } from 'pino';
import { z } from 'zod';
import { asPlainviewError } from '../errors/errors.js';
import { readOrSetAside, type Store } from '../store/store.js';

const scheduleState = z.object({
  expression: z.string(),
  /** The local minute up to which every sweep that was due has begun. */
  done: z.number().int(),
});

type ScheduleState = z.output<typeof scheduleState>;

const document = 'sweep-schedule';

const minuteMs = 60_000;
/** Between two looks at the clock. */
const intervalMs = 20_000;
const dayMinutes = 24 * 60;

/**
 * Begins sweeps by the cron expression of the option `sweep`. It looks whether a minute that the expression names has passed
 * since the last look. So a sweep begins late, and once, where the machine was asleep or the service was not running. The
 * minutes are those of the local clock: one that daylight saving removes has passed with the hour, and one that it doubles,
 * or that comes again because the clock was set back, is not new.
 */
export class SweepSchedule {
  readonly #expression: string;
  readonly #task: ScheduledTask;
  readonly #second: number;
  readonly #store: Store;
  readonly #begin: () => void;
  readonly #log: Logger;
  #state: ScheduleState;
  #saved: number;
  #saving: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param begin begins a sweep
   * @throws state_unusable
   */
  static async open(
    expression: string,
    store: Store,
    begin: () => void,
    log: Logger,
  ): Promise<SweepSchedule> {
    const known = await readOrSetAside(store, document, scheduleState, log);
    // Of a damaged one nothing is due: what was missed is found by the next sweep.
    const state = known === undefined || known === 'damaged' ? { expression: '', done: 0 } : known;
    return new SweepSchedule(expression, store, state, begin, log);
  }

  private constructor(
    expression: string,
    store: Store,
    state: ScheduleState,
    begin: () => void,
    log: Logger,
  ) {
    this.#expression = expression;
    // Not started: it only compares. A local time is given to it as if it were UTC, which has every hour once.
    this.#task = createTask(expression, () => undefined, { timezone: 'UTC' });
    this.#second = parse(expression).second[0] ?? 0;
    this.#store = store;
    this.#begin = begin;
    this.#log = log;
    this.#state = state;
    this.#saved = state.done;
  }

  /** At the first call, begins a sweep that was due while the service was not running. */
  resume(): void {
    if (this.#timer !== undefined) return;
    if (this.#state.expression !== this.#expression) this.#save(localMinute());
    this.#look();
    this.#timer = setInterval(() => this.#look(), intervalMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#saving;
  }

  #look(): void {
    const now = localMinute();
    const { done } = this.#state;
    const due = this.#latestDue(now);
    if (due !== undefined) {
      if (now - due > 1) this.#log.info({ minutesLate: now - due }, 'a sweep was due: it begins late');
      this.#begin();
    }
    // A clock that was set back by so much was wrong before. What is due is reckoned from now.
    const wasAhead = now < done - dayMinutes;
    // Not always saved: a restart looks at the minutes since the last save again, and no sweep was due in them.
    if (due !== undefined || wasAhead || now - this.#saved >= dayMinutes) this.#save(now);
    else if (now > done) this.#state = { ...this.#state, done: now };
  }

  /** @returns the latest minute since the last look in which a sweep was due. A year at most, so that this is short. */
  #latestDue(now: number): number | undefined {
    for (let minute = now; minute > Math.max(this.#state.done, now - 366 * dayMinutes); minute--)
      if (this.#task.match(new Date(minute * minuteMs + this.#second * 1000))) return minute;
    return undefined;
  }

  #save(done: number): void {
    this.#state = { expression: this.#expression, done };
    this.#saved = done;
    this.#saving = this.#store
      .write(document, this.#state)
      .catch((caught: unknown) =>
        this.#log.error({ err: asPlainviewError(caught) }, 'when a sweep was due last could not be saved'),
      );
  }
}

/** Minutes since 1970 on the local clock. */
function localMinute(): number {
  const now = new Date();
  return Math.floor(now.getTime() / minuteMs) - now.getTimezoneOffset();
}
