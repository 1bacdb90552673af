/**
 * A part of the running service. The parts are started in a stated order and stopped in reverse, so each may use those
 * before it from its start to its end.
 */
export interface Part {
  start?(): unknown;
  /** Orthanc is away: nothing new is begun. */
  pause?(): void;
  /**
   * Orthanc answers: called at the start too, once it does.
   * @throws where Orthanc went away again
   */
  resume?(): unknown;
  /**
   * Ends for good.
   * @param deadline aborts when the time is over: what is not done by then is left to the next start
   */
  stop?(deadline: AbortSignal): unknown;
}

export class Lifecycle {
  readonly #parts: readonly Part[];
  readonly #started: Part[] = [];

  /** @param parts in the order in which they are started and resumed */
  constructor(parts: readonly Part[]) {
    this.#parts = parts;
  }

  /** @throws what a part throws; those that are started already are for `stop` */
  async start(): Promise<void> {
    for (const part of this.#parts) {
      this.#started.push(part);
      await part.start?.();
    }
  }

  /** @throws what a part throws; all are paused then */
  async resume(): Promise<void> {
    try {
      for (const part of this.#parts) await part.resume?.();
    } catch (error) {
      this.pause();
      throw error;
    }
  }

  pause(): void {
    for (const part of this.#parts.toReversed()) part.pause?.();
  }

  /** Stops what was started, in reverse order. */
  async stop(deadline: AbortSignal): Promise<void> {
    for (let part = this.#started.pop(); part !== undefined; part = this.#started.pop())
      await part.stop?.(deadline);
  }
}
