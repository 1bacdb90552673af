import type { Logger } from 'pino';
import type { z } from 'zod';
import { hasCode } from '../errors/errors.js';

/**
 * Small JSON documents that outlast the process. A key names a document: the folders that it is in, and its name, such as
 * `tags/6b9e…`. Each part holds letters, digits, `-` and `_`.
 */
export interface Store {
  /**
   * @returns undefined where there is none
   * @throws state_damaged where it is not of the schema; state_unusable, database_unusable
   */
  read<T extends z.ZodType>(key: string, schema: T): Promise<z.output<T> | undefined>;
  /** Whether there is a document, damaged or not. @throws state_unusable */
  has(key: string): Promise<boolean>;
  /** The names of the documents that are directly in a folder. @throws state_unusable */
  names(folder: string): Promise<string[]>;
  /**
   * Replaces a document. When this resolves, no kill and no power cut undoes it; before that, it has the old content or
   * the new one. Writes of one key take effect in the order of the calls.
   * @throws state_unusable
   */
  write(key: string, content: unknown): Promise<void>;
  /** Removes a document, if it is there, as lastingly as it is written. @throws state_unusable */
  remove(key: string): Promise<void>;
  /** Puts a document where nothing reads it, for a person to look at. @returns where that is @throws state_unusable */
  setAside(key: string): Promise<string>;
}

/**
 * Whether the place itself is away: a full disk, a database that does not answer, or that another process works with
 * now. It says nothing of what is kept, or of an instance.
 */
export const isStoreAway = (error: unknown): boolean =>
  (['state_unusable', 'database_unusable', 'lease_lost'] as const).some((code) => hasCode(error, code));

export const isDamaged = (error: unknown): boolean => hasCode(error, 'state_damaged');

/** Sets a damaged document aside, and says so once. @throws state_unusable */
export async function setAsideDamaged(store: Store, key: string, log: Logger): Promise<void> {
  const kept = await store.setAside(key);
  log.error(
    { key, kept },
    'a part of the state was damaged: it is set aside, and what it held is found again',
  );
}

/**
 * Reads what can be found again elsewhere: a damaged document is set aside.
 * @returns `damaged` where it was
 * @throws state_unusable
 */
export async function readOrSetAside<T extends z.ZodType>(
  store: Store,
  key: string,
  schema: T,
  log: Logger,
): Promise<z.output<T> | 'damaged' | undefined> {
  try {
    return await store.read(key, schema);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    await setAsideDamaged(store, key, log);
    return 'damaged';
  }
}
