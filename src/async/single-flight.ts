/**
 * Runs at most one task per key at a time. Whoever asks while one runs waits for a fresh one, and all who wait
 * share it: of a hundred instances of one study that end together, the study is added up twice, not a hundred times.
 */
export class SingleFlight<K> {
  readonly #running = new Map<K, Promise<void>>();
  readonly #next = new Map<K, Promise<void>>();

  /** @returns settles with a run of `task` that began after this call */
  run(key: K, task: () => Promise<void>): Promise<void> {
    // Asked first: between the end of one run and the start of the next, nothing runs but one is due.
    const waiting = this.#next.get(key);
    if (waiting !== undefined) return waiting;
    const running = this.#running.get(key);
    if (running === undefined) return this.#start(key, task);
    const next = running
      .catch(() => undefined) // its own callers hear of that failure
      .then(() => {
        this.#next.delete(key);
        return this.#start(key, task);
      });
    this.#next.set(key, next);
    return next;
  }

  #start(key: K, task: () => Promise<void>): Promise<void> {
    const run = task().finally(() => {
      if (this.#running.get(key) === run) this.#running.delete(key);
    });
    this.#running.set(key, run);
    return run;
  }
}
