import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { otherClass } from '../classify/decide.js';
import type { Network } from '../classify/network.js';
import type { Config } from '../config/options.js';
import { createError } from '../errors/errors.js';
import { fileProblem } from '../files/file-problem.js';
import { categoryFolders } from './category-folders.js';
import type { GroundTruth, LabelledPicture } from './ground-truth.js';
import { type Columns, labelsFile } from './labels-file.js';

/** File names under which a labels file in a folder is found. */
const usualNames = ['labels.csv', 'labels.tsv', 'manifest.csv', 'manifest.tsv'];

/**
 * Reads a labels file, a folder that holds one under a usual name, or a folder with one folder for each category.
 * @throws labels_invalid, file_unreadable, usage
 */
export async function readGroundTruth(
  path: string,
  columns: Columns,
  config: Pick<Config, 'modalities' | 'multiframe'>,
): Promise<GroundTruth> {
  const found = await stat(path).catch((error: unknown) => {
    throw createError('file_unreadable', { problem: fileProblem(path, error) }, error);
  });
  if (!found.isDirectory()) return labelsFile(path, columns);
  for (const name of usualNames) {
    const file = join(path, name);
    if (await stat(file).catch(() => undefined)) return labelsFile(file, columns);
  }
  if (columns.by !== undefined)
    throw createError('usage', {
      problem: `--by needs a labels file, and ${path} has none (${usualNames.join(', ')})`,
    });
  return categoryFolders(path, config);
}

/** The pictures of both sources. Patients with the same identifier count as one. */
export function together(first: GroundTruth, second: GroundTruth): GroundTruth {
  // An identifier of Orthanc and a path are never equal.
  const sources = new Map(
    [first, second].flatMap((truth) => truth.pictures.map(({ id }) => [id, truth] as const)),
  );
  const sourceOf = ({ id }: LabelledPicture) => sources.get(id) ?? first;
  return {
    name: `${first.name}, and ${second.name}`,
    pictures: [...first.pictures, ...second.pictures],
    read: (picture) => sourceOf(picture).read(picture),
    keyOf: async (picture) => sourceOf(picture).keyOf?.(picture),
    warnings: [...first.warnings, ...second.warnings],
  };
}

/** Replaces a site's labels by the network's categories. Labels that are not in the map stay. */
export const withMappedLabels = (truth: GroundTruth, map: ReadonlyMap<string, string>): GroundTruth => ({
  ...truth,
  pictures: truth.pictures.map((picture) => ({ ...picture, label: map.get(picture.label) ?? picture.label })),
});

/**
 * Checks that at least one label is a category of the network. Else all figures would be meaningless.
 * @throws nothing_to_evaluate
 */
export function requireCategories({ pictures, name }: GroundTruth, network: Network): void {
  if (pictures.length === 0)
    throw createError('nothing_to_evaluate', { problem: `${name} names no pictures` });
  if (pictures.some(({ label }) => label !== otherClass && network.classes.includes(label))) return;
  const labels = [...new Set(pictures.map(({ label }) => label))].sort();
  const some = labels.slice(0, 10).join(', ') + (labels.length > 10 ? ', …' : '');
  throw createError('nothing_to_evaluate', {
    problem: `none of the labels (${some}) is a category of ${network.name}; --map gives them its names`,
  });
}
