import { readFile } from 'node:fs/promises';
import { createError } from '../../errors/errors.js';
import { fileProblem } from '../../files/file-problem.js';

/** Reads a picture file. @throws file_unreadable */
export const readPicture = (path: string): Promise<Buffer> =>
  readFile(path).catch((error: unknown) => {
    throw createError('file_unreadable', { problem: fileProblem(path, error) }, error);
  });
