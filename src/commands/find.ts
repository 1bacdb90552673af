import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/options.js';
import type { Selection } from '../contract/selection.js';
import { instanceRecord } from '../decisions/schema.js';
import { createError } from '../errors/errors.js';
import { ownerOnly } from '../files/replace.js';
import { requireNewFile, writeResult } from '../files/result-file.js';
import { exportFinds, rowOf } from '../learn/export-finds.js';
import type { ExportedRow } from '../learn/export-pictures.js';
import type { Archives } from '../orthanc/archives.js';
import type { InstanceId } from '../orthanc/ids.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { attributeColumns } from '../select/attributes.js';
import { copy } from '../select/copies.js';
import { type Find, find, findColumns } from '../select/finds.js';
import { tableFormats } from '../select/table.js';
import { collect, fraction, refuseTwice } from './arguments.js';
import { reportExported } from './exported-pictures.js';
import { type OutputOptions, outputOf, writeList } from './find-output.js';
import { progressBar } from './progress.js';
import { keyFileOption, pseudonymKey } from './pseudonym-key.js';
import { categoriesLike, parseSelection, queryOf } from './selection.js';

interface Options extends OutputOptions {
  category?: string[];
  label?: string;
  decision?: string;
  minScore?: number;
  maxScore?: number;
  network?: string;
  station?: string;
  query?: string[];
  from?: string;
  to?: string;
  otherVersion?: true;
  all?: true;
  columns?: string[];
  identifying?: true;
  copy?: string;
  as: 'dicom' | 'png';
  keyFile?: string;
  dicomdir?: string;
}

export const findCommand = () => refuseTwice(command());

const command = () =>
  new Command('find')
    .description(
      'list decided radiographs as a table without patient data, copy them, or put them into an archive',
    )
    .option(
      '--category <category>',
      'only these categories (knee_lateral); * matches any text (knee_*)',
      collect,
    )
    .option('--label <label>', 'only instances with this label (order_mismatch)')
    .addOption(
      new Option('--decision <decision>', 'only this decision').choices(
        instanceRecord.shape.decision.options,
      ),
    )
    .option(
      '--min-score <score>',
      'lowest best score; what a person has decided is always included',
      fraction,
    )
    .option('--max-score <score>', 'highest best score', fraction)
    .option('--network <name>', 'only decisions by this network: its name, or the beginning of its SHA-256')
    .option('--station <name>', 'only this Station Name; * matches any text')
    .option(
      '--query <Tag=value...>',
      "only these DICOM attributes, with the wildcards of Orthanc's find (StationName=ROOM*)",
    )
    .option('--from <date>', 'only Study Dates from this day on (2026-01-31)')
    .option('--to <date>', 'only Study Dates up to this day')
    .option(
      '--other-version',
      'only those with a record of another version of Plainview, which leaves them alone',
    )
    .option('--all', 'every decided radiograph')
    .option('--columns <keyword...>', 'add these DICOM attributes to the list (Manufacturer KVP PatientSex)')
    .option('--identifying', 'allow --columns that can identify a person')
    .addOption(new Option('--format <format>', 'format of the list (default: csv)').choices(tableFormats))
    .option('--out <file>', 'write the list to a new file instead of standard output')
    .option('--csv <file>', 'the same as --format csv --out')
    .option(
      '--copy <folder>',
      'copy the DICOM files, which contain patient data, to this folder, with one folder per category',
    )
    .addOption(
      new Option(
        '--as <format>',
        'with --copy: png writes pictures without patient data, under pseudonyms, and labels.csv',
      )
        .choices(['dicom', 'png'])
        .default('dicom'),
    )
    .option(...keyFileOption)
    .option(
      '--dicomdir <file.zip>',
      'write the DICOM files, which contain patient data, to a new archive with a DICOMDIR',
    )
    .action(async (options: Options) => {
      const config = loadConfig(process.env);
      const selections = selectionsOf(
        options,
        await categoriesLike(options.category, config),
        config.labelPrefix,
      );
      const { columns: keywords = [], identifying = false, copy: folder, dicomdir } = options;
      const columns = attributeColumns(keywords, identifying);
      const key = await keyFor(options, config);
      const output = await outputOf(options);
      if (dicomdir !== undefined) await requireNewFile(dicomdir);
      const orthanc = new Orthanc(config);
      const bar = progressBar(undefined, 'radiographs');
      const found = { count: 0, archived: [] as InstanceId[], pictures: new Map<InstanceId, ExportedRow>() };
      async function* rows(): AsyncGenerator<Find> {
        for (const wanted of selections)
          for await (const page of find(orthanc, wanted, config.modalities, keywords))
            for (const each of page) {
              if (folder !== undefined && key === undefined) await copy(orthanc.files, folder, each);
              if (key !== undefined) found.pictures.set(each.instance, rowOf(each, columns));
              if (dicomdir !== undefined) found.archived.push(each.instance);
              found.count++;
              bar.advance();
              yield each;
            }
        bar.stop();
      }
      try {
        if (keywords.length > 0) await orthanc.search.requireAttributes(keywords);
        await writeList(output, findColumns(columns, identifying), rows(), () => bar.hide());
        if (dicomdir !== undefined && found.archived.length > 0)
          await archive(orthanc.archives, found.archived, dicomdir);
        console.error(`${found.count} found`);
        if (folder !== undefined && key !== undefined) {
          const pictures = progressBar(found.count, 'pictures');
          const exported = await exportFinds({
            orthanc,
            rows: found.pictures,
            attributes: columns,
            config,
            key,
            folder,
            onPicture: () => pictures.advance(),
          }).finally(() => pictures.stop());
          process.exitCode = reportExported(exported);
        }
      } finally {
        bar.stop();
        orthanc.close();
      }
    });

/** The key of the pseudonyms; undefined where DICOM files are copied, or none. @throws usage, file_unreadable */
async function keyFor(
  { as, copy: folder, keyFile, identifying }: Options,
  config: Config,
): Promise<Buffer | undefined> {
  if (as === 'dicom') {
    if (keyFile !== undefined) throw createError('usage', { problem: '--key-file needs --as png' });
    return undefined;
  }
  if (folder === undefined) throw createError('usage', { problem: '--as png needs --copy: name a folder' });
  if (identifying === true)
    throw createError('usage', {
      problem: '--identifying does not go with --as png, which is without patient data',
    });
  return pseudonymKey(keyFile, config);
}

async function archive(archives: Archives, ids: readonly InstanceId[], file: string): Promise<void> {
  const bar = progressBar(100, '% of the archive');
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.once('SIGINT', interrupt);
  let shownPercent = 0;
  const onProgress = (percent: number) => {
    bar.advance(percent - shownPercent);
    shownPercent = percent;
  };
  try {
    const stream = archives.zip(ids, onProgress, interrupted.signal);
    await writeResult(file, (part) => pipeline(stream, createWriteStream(part, ownerOnly)));
  } catch (error) {
    throw interrupted.signal.aborted ? createError('interrupted', { what: 'the archive' }, error) : error;
  } finally {
    process.off('SIGINT', interrupt);
    bar.stop();
  }
}

/**
 * One selection for each category, as an instance has one at most.
 * @throws usage
 */
function selectionsOf(
  options: Options,
  categories: readonly (string | undefined)[],
  labelPrefix: string,
): Selection[] {
  const { label, decision, minScore, maxScore, network, station, query, from, to } = options;
  const attributes = [...(query ?? []), ...(station === undefined ? [] : [`StationName=${station}`])];
  return categories.map((category) =>
    parseSelection({
      // Orthanc has an index of labels. So it finds a category by its label without reading other instances.
      label: label ?? (category === undefined ? undefined : labelPrefix + category),
      category,
      decision,
      minScore,
      maxScore,
      network,
      query: attributes.length > 0 ? queryOf(attributes) : undefined,
      from,
      to,
      otherVersion: options.otherVersion,
      all: options.all,
    }),
  );
}
