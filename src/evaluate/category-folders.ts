import { join, relative, sep } from 'node:path';
import { readPicture } from '../classify/prepare/file.js';
import type { Config } from '../config/options.js';
import type { PlainviewError } from '../errors/errors.js';
import type { GroundTruth } from './ground-truth.js';
import { LeftOutFiles, picturesBelow } from './picture-files.js';

/**
 * Reads a folder with one folder for each category. Every picture in that, at any depth, is one of the category.
 * @throws file_unreadable
 */
export async function categoryFolders(
  folder: string,
  config: Pick<Config, 'modalities' | 'multiframe'>,
): Promise<GroundTruth> {
  const leftOut = new LeftOutFiles();
  const errors = new Map<string, PlainviewError>();
  const ids: string[] = [];
  for await (const { path, error } of picturesBelow(folder, config, leftOut.add)) {
    if (path === folder && error !== undefined) throw error;
    const id = relative(folder, path);
    ids.push(id);
    if (error !== undefined) errors.set(id, error);
  }
  const loose = ids.filter((id) => !id.includes(sep)).length;
  const left = leftOut.text();
  return {
    name: folder,
    pictures: ids.filter((id) => id.includes(sep)).map((id) => ({ id, label: id.slice(0, id.indexOf(sep)) })),
    read: async ({ id }) => {
      const error = errors.get(id);
      if (error !== undefined) throw error;
      return readPicture(join(folder, id));
    },
    warnings: [
      ...(loose === 0 ? [] : [`${loose} files lie in no category's folder of ${folder} and were left out.`]),
      ...(left === undefined ? [] : [`Of the files in ${folder}, ${left}.`]),
    ],
  };
}
