import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Classifier } from '../classify/classifier.js';
import { asPlainview, fail } from '../errors.js';
import type { Labelled } from './label-lines.js';
import { mapOrdered } from './ordered.js';

/** The paths given; `-` stands for those on standard input, one a line, read as they are needed. */
export async function* pathsFrom(given: readonly string[], stdin: Readable): AsyncGenerator<string> {
  for (const path of given) {
    if (path !== '-') {
      yield path;
      continue;
    }
    for await (const line of createInterface({ input: stdin })) if (line !== '') yield line;
  }
}

/**
 * Classifies files, in their order. A file that cannot be classified gives its error and stops no other.
 * @param concurrency how many files are in memory at a time
 */
export function labelFiles(
  paths: AsyncIterable<string>,
  classifier: Classifier,
  concurrency: number,
): AsyncGenerator<Labelled> {
  return mapOrdered(paths, concurrency, async (path) => {
    try {
      return { path, classification: await classifier.classify(await readPicture(path)) };
    } catch (error) {
      return { path, error: asPlainview(error) };
    }
  });
}

async function readPicture(path: string): Promise<Buffer> {
  const file = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    const problem = error.code === 'ENOENT' ? 'it is not there' : error.message;
    throw fail('file_unreadable', { problem }, error);
  });
  // A DICOM file has its magic word after a preamble of 128 bytes; some have neither, and only the name tells.
  if (file.toString('latin1', 128, 132) === 'DICM' || /\.dcm$/i.test(path))
    throw fail('dicom_needs_server', {});
  return file;
}
