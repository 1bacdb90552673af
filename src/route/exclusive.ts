/** Runs tasks one by one for each key, in the order they came: what is read is still so when it is written upon. */
export class Exclusive<K> {
  readonly #last = new Map<K, Promise<unknown>>();

  run<T>(key: K, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    // How the one before ended is its own callers' to hear.
    const run = before.then(task, task);
    this.#last.set(key, run);
    const forget = () => {
      if (this.#last.get(key) === run) this.#last.delete(key);
    };
    run.then(forget, forget);
    return run;
  }
}
