/** Tasks of one key run one after the other, in the order of the calls. Tasks of different keys run in parallel. */
export class KeyedMutex<K> {
  readonly #last = new Map<K, Promise<unknown>>();

  run<T>(key: K, task: () => Promise<T>): Promise<T> {
    const previous = this.#last.get(key) ?? Promise.resolve();
    // A failure of the previous task concerns only its own caller.
    const result = previous.then(task, task);
    this.#last.set(key, result);
    const cleanUp = () => {
      if (this.#last.get(key) === result) this.#last.delete(key);
    };
    result.then(cleanUp, cleanUp);
    return result;
  }
}
