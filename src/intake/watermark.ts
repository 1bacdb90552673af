/**
 * How far a numbered list is settled, where its entries settle in any order: everything before the first entry
 * that is still open. A cursor saved from it never passes what is not settled.
 */
export class Watermark {
  /** How many jobs are open at a position. Positions are opened in ascending order, which a Map keeps. */
  readonly #open = new Map<number, number>();
  readonly #most: number;
  #read: number;
  #jobs = 0;
  #room: (() => void) | undefined;

  /**
   * @param read everything up to here is settled
   * @param most jobs open at a time: a backlog of millions must not cost memory
   */
  constructor(read: number, most: number) {
    this.#read = read;
    this.#most = most;
  }

  /** The list has been read up to here. */
  get read(): number {
    return this.#read;
  }

  /** Everything up to here is settled. */
  get settled(): number {
    for (const first of this.#open.keys()) return first - 1;
    return this.#read;
  }

  get jobs(): number {
    return this.#jobs;
  }

  /** @returns to be called once, when the job is settled */
  open(position: number): () => void {
    this.#open.set(position, (this.#open.get(position) ?? 0) + 1);
    this.#jobs++;
    return () => {
      const left = (this.#open.get(position) ?? 1) - 1;
      if (left === 0) this.#open.delete(position);
      else this.#open.set(position, left);
      this.#jobs--;
      if (this.#jobs < this.#most) this.#room?.();
    };
  }

  advance(read: number): void {
    this.#read = read;
  }

  /** Waits until another page may be opened, or the signal aborts. */
  async room(signal: AbortSignal): Promise<void> {
    while (this.#jobs >= this.#most && !signal.aborted)
      await new Promise<void>((resolve) => {
        const go = () => {
          // The signal lives as long as the service: what is left on it would grow with the backlog.
          signal.removeEventListener('abort', go);
          resolve();
        };
        this.#room = go;
        signal.addEventListener('abort', go);
      });
  }
}
