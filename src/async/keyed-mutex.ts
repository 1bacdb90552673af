/** Tasks of one key run one after the other, in the order in which they were asked for; those of different keys at once. */
export class KeyedMutex<K> {
  readonly #last = new Map<K, Promise<unknown>>();

  run<T>(key: K, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    // Whether the one before failed is told to whoever asked for it.
    const turn = before.then(task, task);
    this.#last.set(key, turn);
    const leave = () => {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    };
    turn.then(leave, leave);
    return turn;
  }
}
