import { accessSync, constants, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { createError, hasCode } from '../errors/errors.js';
import { makeFolder } from '../files/make-folder.js';
import { ownerOnly, replaceFile, setAside } from '../files/replace.js';

/**
 * A small JSON file in the state folder. After a kill or a power cut at any moment it has the old content or the new
 * content.
 */
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

  /**
   * @returns undefined where the file is missing
   * @throws state_damaged where it is not of the schema; state_unusable where it may not be read
   */
  read(): z.output<T> | undefined {
    return readFrom(this.#path, this.#schema);
  }

  /**
   * As `read`, of what can be found again elsewhere: a damaged file is set aside.
   * @returns `damaged` where it was
   * @throws state_unusable
   */
  readOrSetAside(log: Logger): z.output<T> | 'damaged' | undefined {
    try {
      return this.read();
    } catch (error) {
      if (!isDamaged(error)) throw error;
      setAsideDamaged(this.#path, log);
      return 'damaged';
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
 * Reads a state file, in a folder that may be missing too.
 * @returns undefined where the file is missing
 * @throws state_damaged, state_unusable
 */
export const readIntact = <T extends z.ZodType>(
  folder: string,
  name: string,
  schema: T,
): z.output<T> | undefined => readFrom(join(folder, name), schema);

export const isDamaged = (error: unknown): boolean => hasCode(error, 'state_damaged');

/** Renames a damaged file to `….damaged`, where nothing reads it, and says so once. @throws state_unusable */
export function setAsideDamaged(file: string, log: Logger): void {
  try {
    const kept = setAside(file);
    log.error({ file, kept }, 'a state file was damaged: it is set aside, and what it held is found again');
  } catch (error) {
    throw createError('state_unusable', { folder: file, why: (error as Error).message }, error);
  }
}

function readFrom<T extends z.ZodType>(file: string, schema: T): z.output<T> | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    // The disk cannot read it any more.
    if (code === 'EIO') throw createError('state_damaged', { file }, error);
    throw createError('state_unusable', { folder: file, why: message }, error);
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // Without the cause: it quotes the file, which can hold a patient's name.
    throw createError('state_damaged', { file });
  }
}
