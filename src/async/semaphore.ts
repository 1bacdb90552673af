import { createError } from '../errors/errors.js';

/**
 * Limits the running tasks and the waiting ones. Waiting tasks start in the order of the calls. A task may count as
 * several, for example as its bytes. One that counts as more than the limit runs alone.
 */
export class Semaphore {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  #free: number;
  readonly #waiting: { weight: number; start: () => void }[] = [];

  constructor({
    maxRunning,
    maxWaiting = Number.POSITIVE_INFINITY,
  }: { maxRunning: number; maxWaiting?: number }) {
    this.#free = maxRunning;
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
  }

  /** @throws busy where `maxWaiting` tasks wait already, and what the task throws */
  async run<T>(task: () => Promise<T>, counts = 1): Promise<T> {
    const weight = Math.min(counts, this.#maxRunning);
    if (this.#waiting.length === 0 && weight <= this.#free) this.#free -= weight;
    else if (this.#waiting.length >= this.#maxWaiting) throw createError('busy', {});
    else await new Promise<void>((start) => this.#waiting.push({ weight, start }));
    try {
      return await task();
    } finally {
      this.#free += weight;
      for (
        let [next] = this.#waiting;
        next !== undefined && next.weight <= this.#free;
        [next] = this.#waiting
      ) {
        this.#waiting.shift();
        // Taken now, so that no other call can take the place.
        this.#free -= next.weight;
        next.start();
      }
    }
  }
}
