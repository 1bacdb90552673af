import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createError, PlainviewError } from '../errors/errors.js';
import { replaceFile } from './replace.js';

/**
 * Checks that a result can be written, before a long run begins.
 * @throws report_unwritable
 */
export async function requireWritable(path: string): Promise<void> {
  // With the slash, a file in place of the folder is an error.
  await withWriteErrors(() => access(join(dirname(path), '/'), constants.W_OK));
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw createError('report_unwritable', { problem: `${path} is a folder` });
}

/**
 * As `requireWritable`, for a file that must not exist yet.
 * @throws usage, report_unwritable
 */
export async function requireNewFile(file: string): Promise<void> {
  const isThere = await access(file, constants.F_OK).then(
    () => true,
    () => false,
  );
  if (isThere) throw createError('usage', { problem: `${file} is there already; name a new file` });
  await requireWritable(file);
}

/**
 * Writes a result atomically.
 * @param write writes the content to the path that it receives
 * @throws report_unwritable
 */
export const writeResult = (path: string, write: (part: string) => Promise<unknown>): Promise<void> =>
  withWriteErrors(() => replaceFile(path, write));

/** @throws report_unwritable in place of an error of the file system; else what the task throws */
export async function withWriteErrors<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof PlainviewError || !(error instanceof Error && 'syscall' in error)) throw error;
    throw createError('report_unwritable', { problem: error.message }, error);
  }
}
