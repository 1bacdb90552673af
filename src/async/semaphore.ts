import { createError } from '../errors/errors.js';

/** Limits the running tasks and the waiting ones. Waiting tasks start in the order of the calls. */
export class Semaphore {
  #free: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];

  constructor({ maxRunning, maxWaiting }: { maxRunning: number; maxWaiting: number }) {
    this.#free = maxRunning;
    this.#maxWaiting = maxWaiting;
  }

  /** @throws busy where `maxWaiting` tasks wait already, and what the task throws */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else if (this.#waiting.length >= this.#maxWaiting) throw createError('busy', {});
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      // The place is passed on directly, so that no other call can take it.
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
