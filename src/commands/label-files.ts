import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pMapIterable } from 'p-map';
import type { Classifier } from '../classify/classifier.js';
import { readPicture } from '../classify/prepare/file.js';
import { asPlainviewError } from '../errors/errors.js';
import type { LabelledFile } from './label-lines.js';

/** The given paths. `-` means the paths on standard input, one per line. They are read when they are needed. */
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
 * Classifies files and returns the results in the order of the files. An error of one file does not stop the others.
 * @param concurrency the number of files in memory at the same time
 */
export function labelFiles(
  paths: AsyncIterable<string>,
  classifier: Classifier,
  concurrency: number,
): AsyncIterable<LabelledFile> {
  const label = async (path: string): Promise<LabelledFile> => {
    try {
      return { path, classification: await classifier.classify(await readPicture(path)) };
    } catch (error) {
      return { path, error: asPlainviewError(error) };
    }
  };
  return pMapIterable(paths, label, { concurrency });
}
