import { settledOrAborted } from '../async/settled-or-aborted.js';

/**
 * A part of the running service. Parts are started in order and stopped in reverse order. So each part can use the parts
 * before it during its whole life.
 */
export interface Part {
  start?(): unknown;
  /** Orthanc is away. The part starts nothing new. */
  pause?(): void;
  /**
   * Orthanc answers. This is also called after the start, at Orthanc's first answer.
   * @throws orthanc_… where Orthanc is away again
   */
  resume?(): unknown;
  /**
   * Stops the part. It is not started again.
   * @param deadline aborts when the time is over. Work that is not done by then is left to the next start.
   */
  stop?(deadline: AbortSignal): unknown;
}

export class Lifecycle {
  readonly #parts: readonly Part[];
  readonly #started: Part[] = [];
  #resuming: Promise<void> = Promise.resolve();
  #isStopping = false;

  /** @param parts in the order in which they are started and resumed */
  constructor(parts: readonly Part[]) {
    this.#parts = parts;
  }

  /** @throws the error of a part. `stop` must then be called: it stops the parts that were started. */
  async start(): Promise<void> {
    for (const part of this.#parts) {
      this.#started.push(part);
      await part.start?.();
    }
  }

  /** @throws the error of a part. All parts are paused then. */
  resume(): Promise<void> {
    this.#resuming = this.#resume();
    return this.#resuming;
  }

  async #resume(): Promise<void> {
    try {
      for (const part of this.#parts) if (!this.#isStopping) await part.resume?.();
    } catch (error) {
      this.pause();
      throw error;
    }
  }

  pause(): void {
    for (const part of this.#parts.toReversed()) part.pause?.();
  }

  /**
   * Stops the started parts in reverse order, after the part that is being resumed. A second call does nothing.
   * @throws the first error of a part, after all are stopped
   */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#isStopping = true;
    // Whoever resumes is told its error.
    await settledOrAborted(
      this.#resuming.catch(() => undefined),
      deadline,
    );
    const errors: unknown[] = [];
    for (let part = this.#started.pop(); part !== undefined; part = this.#started.pop())
      try {
        await part.stop?.(deadline);
      } catch (error) {
        errors.push(error);
      }
    if (errors.length > 0) throw errors[0];
  }
}
