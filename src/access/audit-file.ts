import { appendFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { ownerOnly } from '../files/replace.js';

/** More are lost while the file system does not answer, so that they do not fill the memory. */
const maxWaiting = 10_000;

/**
 * Appends JSON lines to a file. One write is under way at a time and takes all lines that wait, so that a slow file system
 * occupies only one of the threads that pictures need too. The file is opened for each write: it may be moved away.
 */
export class AuditFile {
  readonly #path: string;
  readonly #log: Logger;
  readonly #lost: (lines: number) => void;
  #waiting: string[] = [];
  #written: Promise<void> = Promise.resolve();

  constructor(path: string, log: Logger, lost: (lines: number) => void) {
    this.#path = path;
    this.#log = log;
    this.#lost = lost;
  }

  /** @returns a promise that resolves when the line is on the disk, or when that has failed and is reported */
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
      await appendFile(this.#path, `${lines.join('\n')}\n`, { ...ownerOnly, flush: true });
    } catch (error) {
      this.#lost(lines.length);
      this.#log.error(
        { err: error, file: this.#path, lines: lines.length },
        'the audit trail cannot be written',
      );
    }
  }
}
