/** Runs at most one task per key at a time. All calls during a run share one next run. */
export class SingleFlight<K> {
  readonly #running = new Map<K, Promise<void>>();
  readonly #next = new Map<K, Promise<void>>();

  /** @returns a promise of a run that began after this call */
  run(key: K, task: () => Promise<void>): Promise<void> {
    // This comes first: between two runs nothing runs, but the next run is already waiting.
    const waiting = this.#next.get(key);
    if (waiting !== undefined) return waiting;
    const running = this.#running.get(key);
    if (running === undefined) return this.#start(key, task);
    const next = running
      .catch(() => undefined) // the callers of that run receive its error
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
