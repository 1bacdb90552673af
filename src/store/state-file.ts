import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { createError } from '../errors/errors.js';
import { makeFolder } from '../files/make-folder.js';
import { ownerOnly, replaceFile } from '../files/replace.js';

/** A small JSON file in the state folder. After a kill at any moment it has the old content or the new content. */
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

  /** @returns undefined where the file is missing, unreadable or not of the schema */
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
    try {
      await replaceFile(this.#path, (part) => writeFile(part, JSON.stringify(content), ownerOnly));
    } catch (error) {
      throw createError('state_unusable', { folder: this.#path, why: (error as Error).message }, error);
    }
  }
}

/**
 * Reads a state file. Unlike `StateFile.read` it distinguishes a damaged file from a missing one.
 * @returns undefined where the file is missing
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
