import { constants } from 'node:fs';
import { access, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createError, PlainviewError } from '../errors/errors.js';

/**
 * Asked before a long run, so that its result has a place to go.
 * @throws report_unwritable
 */
export async function requireWritable(path: string): Promise<void> {
  await writing(() => access(dirname(path), constants.W_OK));
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw createError('report_unwritable', { problem: `${path} is a folder` });
}

/**
 * Asked likewise, of a file that must not replace another one.
 * @throws usage, report_unwritable
 */
export async function requireNew(file: string): Promise<void> {
  const isThere = await access(file, constants.F_OK).then(
    () => true,
    () => false,
  );
  if (isThere) throw createError('usage', { problem: `${file} is there already; name a new file` });
  await requireWritable(file);
}

/**
 * The whole file or nothing: what stood there before stays until then.
 * @param write is given the path to write to
 * @throws report_unwritable
 */
export async function writeWhole(path: string, write: (part: string) => Promise<unknown>): Promise<void> {
  const part = `${path}.part`;
  try {
    await writing(async () => {
      await write(part);
      await rename(part, path);
    });
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** @throws report_unwritable where the file system refuses */
export async function writing<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof PlainviewError || !(error instanceof Error && 'syscall' in error)) throw error;
    throw createError('report_unwritable', { problem: error.message }, error);
  }
}
