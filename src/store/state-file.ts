import { accessSync, constants, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import { createError } from '../errors/errors.js';

/** A small JSON file in the state folder that a kill at any moment leaves as it was, or as it should be. */
export class StateFile<T extends z.ZodType> {
  readonly #path: string;
  readonly #schema: T;
  #writing: Promise<void> = Promise.resolve();

  /** @throws state_unusable where the folder cannot be made or written to */
  constructor(stateDir: string, name: string, schema: T) {
    this.#path = join(stateDir, name);
    this.#schema = schema;
    try {
      makeFolder(stateDir);
      accessSync(join(stateDir, '/'), constants.W_OK | constants.X_OK);
    } catch (error) {
      throw createError('state_unusable', { folder: stateDir, why: (error as Error).message }, error);
    }
  }

  /** @returns undefined where there is none, or it cannot be read */
  read(): z.output<T> | undefined {
    try {
      return this.#schema.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
    } catch {
      return undefined;
    }
  }

  /** @throws state_unusable */
  async write(content: z.input<T>): Promise<void> {
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#replace(content));
    await this.#writing;
  }

  async #replace(content: z.input<T>): Promise<void> {
    const next = `${this.#path}.next`;
    try {
      // Requests may name patients: nobody else's to read.
      const handle = await open(next, 'w', 0o600);
      try {
        await handle.writeFile(JSON.stringify(content));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(next, this.#path);
    } catch (error) {
      throw createError('state_unusable', { folder: this.#path, why: (error as Error).message }, error);
    }
  }
}

/**
 * What a file holds that must not be taken for none where it cannot be read.
 * @returns undefined where there is none
 * @throws state_damaged
 */
export function readIntact<T extends z.ZodType>(
  folder: string,
  name: string,
  schema: T,
): z.output<T> | undefined {
  const file = join(folder, name);
  if (!existsSync(file)) return undefined;
  const read = new StateFile(folder, name, schema).read();
  if (read === undefined) throw createError('state_damaged', { file });
  return read;
}

/** Not `recursive`: Node never comes back from that where the system makes no folder, as in /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder);
}
