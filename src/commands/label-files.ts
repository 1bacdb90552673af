import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pMapIterable } from 'p-map';
import type { Classifier } from '../classify/classifier.js';
import { formatOf } from '../classify/prepare/decode.js';
import { readPicture } from '../classify/prepare/file.js';
import type { Config } from '../config/options.js';
import { asPlainviewError, createError } from '../errors/errors.js';
import { type FoundFile, type LeftOutFiles, picturesBelow } from '../evaluate/picture-files.js';
import type { LabelledFile } from './label-lines.js';

/**
 * The given paths. `-` means the paths on standard input, one per line. They are read when they are needed.
 * @param enough ends standard input: its writer may never do
 */
export async function* pathsFrom(
  given: readonly string[],
  stdin: Readable,
  enough: AbortSignal,
): AsyncGenerator<string> {
  for (const path of given) {
    if (path !== '-') {
      yield path;
      continue;
    }
    for await (const line of createInterface({ input: stdin, signal: enough })) if (line !== '') yield line;
  }
}

/** The files themselves, and the pictures below those that are folders. */
export async function* filesOf(
  paths: AsyncIterable<string>,
  config: Pick<Config, 'modalities' | 'multiframe'>,
  leftOut: LeftOutFiles,
): AsyncGenerator<FoundFile> {
  for await (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (!found?.isDirectory()) {
      yield { path };
      continue;
    }
    let isEmpty = true;
    for await (const file of picturesBelow(path, config, leftOut.add)) {
      isEmpty = false;
      yield file;
    }
    if (isEmpty)
      yield { path, error: createError('file_unreadable', { problem: 'this folder holds no picture' }) };
  }
}

/**
 * Classifies files and returns the results in the order of the files. An error of one file does not stop the others.
 * @param concurrency the number of files in memory at the same time
 */
export function labelFiles(
  files: AsyncIterable<FoundFile>,
  classifier: Classifier,
  concurrency: number,
): AsyncIterable<LabelledFile> {
  const label = async ({ path, error }: FoundFile): Promise<LabelledFile> => {
    if (error !== undefined) return { path, error };
    try {
      const file = await readPicture(path);
      const format = formatOf(file);
      return { path, classification: await classifier.classify(file), format };
    } catch (error) {
      return { path, error: asPlainviewError(error) };
    }
  };
  return pMapIterable(files, label, { concurrency });
}
