import type { Logger } from 'pino';

/** More are lost while the place does not answer, so that they do not fill the memory. */
const maxWaiting = 10_000;

/** Where the lines are kept. */
export interface AuditPlace {
  /** Names it in messages. */
  name: string;
  /** They outlast a power cut when this resolves. */
  append(lines: readonly string[]): Promise<void>;
}

/**
 * Appends JSON lines. One write is under way at a time and takes all lines that wait, so that a slow file system occupies
 * only one of the threads that pictures need too.
 */
export class AuditLines {
  readonly #place: AuditPlace;
  readonly #log: Logger;
  readonly #lost: (lines: number) => void;
  #waiting: string[] = [];
  #written: Promise<void> = Promise.resolve();

  constructor(place: AuditPlace, log: Logger, lost: (lines: number) => void) {
    this.#place = place;
    this.#log = log;
    this.#lost = lost;
  }

  /** @returns a promise that resolves when the line is kept, or when that has failed and is reported */
  append(entry: object): Promise<void> {
    if (this.#waiting.length >= maxWaiting) {
      this.#lost(1);
      return Promise.resolve();
    }
    // The first line that waits begins the next write; the others go with it.
    if (this.#waiting.push(JSON.stringify(entry)) === 1)
      this.#written = this.#written.then(() => this.#write());
    return this.#written;
  }

  async #write(): Promise<void> {
    const lines = this.#waiting;
    this.#waiting = [];
    try {
      await this.#place.append(lines);
    } catch (error) {
      this.#lost(lines.length);
      this.#log.error(
        { err: error, place: this.#place.name, lines: lines.length },
        'the audit trail cannot be written',
      );
    }
  }
}
