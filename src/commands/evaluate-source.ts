import type { Config } from '../config/options.js';
import { createError } from '../errors/errors.js';
import { correctedInstances, groupAttributes } from '../evaluate/corrected-instances.js';
import type { GroundTruth } from '../evaluate/ground-truth.js';
import { readGroundTruth } from '../evaluate/read-ground-truth.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { progressBar } from './progress.js';
import { parseSelection, queryOf } from './selection.js';

export interface SourceOptions {
  fileColumn: string;
  labelColumn: string;
  by?: string;
  orthanc?: true;
  query?: string[];
  from?: string;
  to?: string;
}

/**
 * Reads pictures and labels from files or from an Orthanc, and passes them to `use`.
 * They are valid until the promise of `use` settles.
 * @throws usage, labels_invalid, file_unreadable, orthanc_…
 */
export async function withTruth<T>(
  labels: string | undefined,
  options: SourceOptions,
  config: Config,
  use: (truth: GroundTruth) => Promise<T>,
): Promise<T> {
  const { query, from, to, by } = options;
  if (options.orthanc !== true) {
    if (labels === undefined)
      throw createError('usage', { problem: 'name a labels file or a folder, or --orthanc' });
    if (query !== undefined || from !== undefined || to !== undefined)
      throw createError('usage', {
        problem: '--query, --from and --to need --orthanc',
      });
    return use(await readGroundTruth(labels, { file: options.fileColumn, label: options.labelColumn, by }));
  }
  if (labels !== undefined) throw createError('usage', { problem: `name ${labels} or --orthanc, not both` });
  const selection = parseSelection({ query: queryOf(query), from, to, all: true });
  const attribute = groupAttributes.optional().safeParse(by);
  if (!attribute.success)
    throw createError('usage', {
      problem: `with --orthanc, --by is one of ${groupAttributes.options.join(', ')}`,
    });
  const orthanc = new Orthanc(config);
  const bar = progressBar(undefined, 'corrected or confirmed instances');
  try {
    const onFound = (count: number) => bar.advance(count);
    const truth = await correctedInstances({
      orthanc,
      selection,
      by: attribute.data,
      config,
      onFound,
    }).finally(() => bar.stop());
    return await use(truth);
  } finally {
    orthanc.close();
  }
}
