import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createError } from '../errors/errors.js';
import { makeFolder } from '../files/make-folder.js';
import { ownerOnly, replaceFile } from '../files/replace.js';

/** As much as a block of most file systems: a file of a few bytes can have room on a full disk. */
const content = Buffer.alloc(4096);

/** A try that lasts longer counts as failed, milliseconds. */
const longestMs = 10_000;

/** Tries whether the state folder can be written. */
export class StateProbe {
  readonly #folder: string;
  #problem: string | undefined;
  /** When the try that is running began. */
  #began: number | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Why the folder could not be written at the last try; undefined where it could. */
  get problem(): string | undefined {
    return this.#problem;
  }

  async try(): Promise<void> {
    // The try before this one can hang, for example because a file server does not answer.
    if (this.#began !== undefined) {
      if (performance.now() - this.#began > longestMs) this.#fails('the file system does not answer');
      return;
    }
    this.#began = performance.now();
    try {
      makeFolder(this.#folder);
      await replaceFile(join(this.#folder, 'probe'), (part) => writeFile(part, content, ownerOnly));
      this.#problem = undefined;
    } catch (error) {
      this.#fails((error as Error).message);
    } finally {
      this.#began = undefined;
    }
  }

  #fails(why: string): void {
    this.#problem = createError('state_unusable', { folder: this.#folder, why }).message;
  }
}
