import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createError } from '../errors/errors.js';

/**
 * Creates a new folder for temporary files.
 * @param parent default: the system's folder for temporary files
 * @throws temporary_unusable
 */
export async function temporaryFolder(prefix: string, parent = tmpdir()): Promise<string> {
  try {
    return await mkdtemp(join(parent, prefix));
  } catch (error) {
    throw createError('temporary_unusable', { folder: parent, why: (error as Error).message }, error);
  }
}
