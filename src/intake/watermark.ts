/**
 * How far a numbered list is settled, while its entries settle in any order: up to the first entry that is still open.
 * A cursor saved from `settled` never passes an open entry.
 */
export class Watermark {
  /** The number of open jobs by position. */
  readonly #open = new Map<number, number>();
  readonly #maxOpen: number;
  #read: number;
  #openJobs = 0;
  #onCapacity: (() => void) | undefined;

  /**
   * @param read the position up to which everything is settled
   * @param maxOpen limits the open jobs, so that a long backlog does not fill the memory
   */
  constructor(read: number, maxOpen: number) {
    this.#read = read;
    this.#maxOpen = maxOpen;
  }

  /** The position up to which the list has been read. */
  get read(): number {
    return this.#read;
  }

  /** The position up to which everything is settled. */
  get settled(): number {
    // An entry that came late is opened after higher ones, so the first of the Map need not be the lowest.
    return Math.min(this.#read, ...[...this.#open.keys()].map((position) => position - 1));
  }

  get openJobs(): number {
    return this.#openJobs;
  }

  /** @returns a callback: call it once, when the job is settled */
  open(position: number): () => void {
    this.#open.set(position, (this.#open.get(position) ?? 0) + 1);
    this.#openJobs++;
    return () => {
      const left = (this.#open.get(position) ?? 1) - 1;
      if (left === 0) this.#open.delete(position);
      else this.#open.set(position, left);
      this.#openJobs--;
      if (this.#openJobs < this.#maxOpen) this.#onCapacity?.();
    };
  }

  advance(read: number): void {
    this.#read = read;
  }

  /** Waits until fewer than `maxOpen` jobs are open, or the signal aborts. */
  async waitForCapacity(signal: AbortSignal): Promise<void> {
    while (this.#openJobs >= this.#maxOpen && !signal.aborted)
      await new Promise<void>((resolve) => {
        const proceed = () => {
          // The signal lives as long as the service, so listeners left on it would accumulate.
          signal.removeEventListener('abort', proceed);
          resolve();
        };
        this.#onCapacity = proceed;
        signal.addEventListener('abort', proceed);
      });
  }
}
