import { readFile } from 'node:fs/promises';
import { createError } from '../../errors/errors.js';

/** Reads a picture file. @throws file_unreadable, dicom_needs_server */
export async function readPicture(path: string): Promise<Buffer> {
  const file = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    const problem = error.code === 'ENOENT' ? 'it is not there' : error.message;
    throw createError('file_unreadable', { problem }, error);
  });
  // A DICOM file has DICM after a preamble of 128 bytes (PS3.10 section 7.1). Some files have neither, so the name
  // counts too.
  if (file.toString('latin1', 128, 132) === 'DICM' || /\.dcm$/i.test(path))
    throw createError('dicom_needs_server', {});
  return file;
}
