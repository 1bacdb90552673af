import { accessSync, constants, existsSync } from 'node:fs';
import { access, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import { KeyedMutex } from '../async/keyed-mutex.js';
import { createError } from '../errors/errors.js';
import { makeFolder } from '../files/make-folder.js';
import { ownerOnly, removeFile, replaceFile, setAside } from '../files/replace.js';
import type { Store } from './store.js';

const ending = '.json';

/** One file for each document, in the state folder. */
export class FolderStore implements Store {
  readonly #folder: string;
  readonly #writes = new KeyedMutex<string>();

  /** @throws state_unusable where the folder cannot be made or written to */
  constructor(folder: string) {
    this.#folder = folder;
    try {
      makeFolder(folder);
      accessSync(join(folder, '/'), constants.W_OK | constants.X_OK);
    } catch (error) {
      throw unusable(folder, error);
    }
  }

  async read<T extends z.ZodType>(key: string, schema: T): Promise<z.output<T> | undefined> {
    const file = this.#fileOf(key);
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      // The disk cannot read it any more.
      if (codeOf(error) === 'EIO') throw createError('state_damaged', { file }, error);
      throw unusable(file, error);
    }
    try {
      return schema.parse(JSON.parse(text));
    } catch {
      // Without the cause: it quotes the file, which can hold a patient's name.
      throw createError('state_damaged', { file });
    }
  }

  async has(key: string): Promise<boolean> {
    const file = this.#fileOf(key);
    return access(file).then(
      () => true,
      (error: unknown) => {
        if (codeOf(error) === 'ENOENT') return false;
        throw unusable(file, error);
      },
    );
  }

  async names(folder: string): Promise<string[]> {
    const path = join(this.#folder, folder);
    try {
      const names = await readdir(path);
      return names.filter((name) => name.endsWith(ending)).map((name) => name.slice(0, -ending.length));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw unusable(path, error);
    }
  }

  write(key: string, content: unknown): Promise<void> {
    const file = this.#fileOf(key);
    return this.#writes.run(key, async () => {
      try {
        // Not the state folder itself: where it is gone, its disk is no longer mounted.
        if (dirname(file) !== this.#folder && existsSync(this.#folder)) makeFolder(dirname(file));
        await replaceFile(file, (part) => writeFile(part, JSON.stringify(content), ownerOnly));
      } catch (error) {
        throw unusable(file, error);
      }
    });
  }

  remove(key: string): Promise<void> {
    const file = this.#fileOf(key);
    return this.#writes.run(key, async () => {
      // Most keys that are removed have no document, and then there is nothing to sync.
      if (!(await this.has(key))) return;
      await removeFile(file).catch((error: unknown) => {
        throw unusable(file, error);
      });
    });
  }

  async setAside(key: string): Promise<string> {
    const file = this.#fileOf(key);
    try {
      return setAside(file);
    } catch (error) {
      throw unusable(file, error);
    }
  }

  #fileOf(key: string): string {
    return join(this.#folder, `${key}${ending}`);
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

const unusable = (folder: string, error: unknown) =>
  createError('state_unusable', { folder, why: (error as Error).message }, error);
