import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { readPicture } from '../classify/prepare/file.js';
import { createError } from '../errors/errors.js';
import type { GroundTruth } from './ground-truth.js';

/**
 * Reads a folder with one folder for each category. Every file in that, at any depth, is a picture of the category.
 * Names that begin with a dot are left out.
 * @throws file_unreadable
 */
export async function categoryFolders(folder: string): Promise<GroundTruth> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: Error) => {
    throw createError('file_unreadable', { problem: error.message }, error);
  });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !path.split(sep).some((part) => part.startsWith('.')))
    .sort();
  const isLoose = (path: string) => !path.includes(sep);
  const loose = paths.filter(isLoose).length;
  return {
    name: folder,
    pictures: paths
      .filter((path) => !isLoose(path))
      .map((id) => ({ id, label: id.slice(0, id.indexOf(sep)) })),
    read: ({ id }) => readPicture(join(folder, id)),
    warnings:
      loose === 0 ? [] : [`${loose} files lie in no category's folder of ${folder} and were left out.`],
  };
}
