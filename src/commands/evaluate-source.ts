import type { Config } from '../config/options.js';
import { createError } from '../errors/errors.js';
import { correctedInstances, groupAttributes } from '../evaluate/corrected-instances.js';
import type { GroundTruth } from '../evaluate/ground-truth.js';
import { readGroundTruth } from '../evaluate/read-ground-truth.js';
import { type ShadowReport, shadowedInstances, shadowReportOf } from '../evaluate/shadow.js';
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
    return use(
      await readGroundTruth(labels, { file: options.fileColumn, label: options.labelColumn, by }, config),
    );
  }
  if (labels !== undefined) throw createError('usage', { problem: `name ${labels} or --orthanc, not both` });
  const selection = selectionOf(options);
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

const selectionOf = ({ query, from, to }: SourceOptions) =>
  parseSelection({ query: queryOf(query), from, to, all: true });

/**
 * What was recorded of the instances in Orthanc that people have decided, with the answer of a shadow network.
 * @throws usage, orthanc_…
 */
export async function readShadowed(
  labels: string | undefined,
  options: SourceOptions & { worst: number },
  config: Config,
): Promise<ShadowReport> {
  if (options.orthanc !== true || labels !== undefined)
    throw createError('usage', { problem: '--shadow needs --orthanc: its answers are recorded there' });
  const orthanc = new Orthanc(config);
  const bar = progressBar(undefined, 'corrected or confirmed instances');
  let decidedByPeople = 0;
  try {
    const instances = await shadowedInstances(orthanc, selectionOf(options), config.modalities, (count) => {
      decidedByPeople += count;
      bar.advance(count);
    }).finally(() => bar.stop());
    const data = `what people have said in the Orthanc at ${config.orthancUrl.join(', ')}`;
    return shadowReportOf(instances, { data, decidedByPeople, worst: options.worst });
  } finally {
    orthanc.close();
  }
}
