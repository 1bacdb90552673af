import { constants } from 'node:fs';
import { access, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fail } from '../errors.js';

/**
 * Asked before a long run, so that its result has a place to go.
 * @throws report_unwritable
 */
export async function requireWritable(path: string): Promise<void> {
  try {
    await access(dirname(path), constants.W_OK);
  } catch (error) {
    throw fail('report_unwritable', { problem: (error as Error).message }, error);
  }
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw fail('report_unwritable', { problem: `${path} is a folder` });
}

/**
 * The whole text or nothing: what stood there before stays until then.
 * @throws report_unwritable
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const part = `${path}.part`;
  try {
    await writeFile(part, text);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw fail('report_unwritable', { problem: (error as Error).message }, error);
  }
}
