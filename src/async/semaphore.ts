import { createError } from '../errors/errors.js';

/** Tasks under way at a time, and tasks that wait for that, in the order in which they came: both bounded. */
export class Semaphore {
  #free: number;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];

  constructor({ most, mostWaiting }: { most: number; mostWaiting: number }) {
    this.#free = most;
    this.#mostWaiting = mostWaiting;
  }

  /** @throws busy where as many wait as may, and what the task throws */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else if (this.#waiting.length >= this.#mostWaiting) throw createError('busy', {});
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      // Handed over, so that nobody slips in between.
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
