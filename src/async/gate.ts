/** How a task enters: with others that entered so, or with nothing else running. */
export type Entry = 'together' | 'alone';

/**
 * Many tasks run together, or one runs alone (a readers–writer lock). Tasks start in the order of the calls, so neither
 * kind waits for ever.
 */
export class Gate {
  #together = 0;
  #isAlone = false;
  readonly #waiting: { entry: Entry; start: () => void }[] = [];

  async run<T>(entry: Entry, task: () => Promise<T>): Promise<T> {
    const leave = await this.enter(entry);
    try {
      return await task();
    } finally {
      leave();
    }
  }

  /** @returns a function that ends the stay. Call it once. With `'together'`, it lets others in and stays with them. */
  async enter(entry: Entry): Promise<(next?: 'together') => void> {
    if (this.#waiting.length > 0 || !this.#admits(entry))
      await new Promise<void>((start) => this.#waiting.push({ entry, start }));
    else this.#count(entry);
    return (next) => {
      if (entry === 'alone') this.#isAlone = false;
      else this.#together--;
      if (next !== undefined) {
        this.#together++;
        entry = next;
      }
      this.#admitWaiting();
    };
  }

  #admits(entry: Entry): boolean {
    return !this.#isAlone && (entry === 'together' || this.#together === 0);
  }

  #count(entry: Entry): void {
    if (entry === 'alone') this.#isAlone = true;
    else this.#together++;
  }

  #admitWaiting(): void {
    for (let [next] = this.#waiting; next !== undefined && this.#admits(next.entry); [next] = this.#waiting) {
      this.#waiting.shift();
      // Counted now, so that no other call can take the place.
      this.#count(next.entry);
      next.start();
    }
  }
}
