import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';
import { loadConfig } from '../config/load.js';
import type { Selection } from '../contract/selection.js';
import { instanceRecord } from '../decisions/schema.js';
import { createError } from '../errors/errors.js';
import { ownerOnly } from '../files/replace.js';
import { requireNewFile, writeResult } from '../files/result-file.js';
import type { Archives } from '../orthanc/archives.js';
import type { InstanceId } from '../orthanc/ids.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { copy } from '../select/copies.js';
import { find, findsHead, findsLine } from '../select/finds.js';
import { collect, fraction, refuseTwice } from './arguments.js';
import { progressBar } from './progress.js';
import { categoriesLike, parseSelection, queryOf } from './selection.js';

interface Options {
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
  csv?: string;
  copy?: string;
  dicomdir?: string;
}

export const findCommand = () => refuseTwice(command());

const command = () =>
  new Command('find')
    .description(
      'list decided radiographs as CSV without patient data, copy them, or put them into an archive',
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
    .option('--csv <file>', 'write the list to a new file instead of standard output')
    .option(
      '--copy <folder>',
      'copy the DICOM files, which contain patient data, to this folder, with one folder per category',
    )
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
      for (const file of [options.csv, options.dicomdir]) if (file !== undefined) await requireNewFile(file);
      const orthanc = new Orthanc(config);
      const bar = progressBar(undefined, 'radiographs');
      const archived: InstanceId[] = [];
      let count = 0;
      const list = async (writeLine: (line: string) => Promise<unknown>) => {
        await writeLine(findsHead);
        for (const wanted of selections)
          for await (const page of find(orthanc, wanted, config.modalities))
            for (const found of page) {
              const { copy: folder } = options;
              if (folder !== undefined) await copy(orthanc.files, folder, found);
              await writeLine(findsLine(found));
              if (options.dicomdir !== undefined) archived.push(found.instance);
              count++;
              bar.advance();
            }
        bar.stop();
      };
      try {
        if (options.csv === undefined)
          await list(async (line) => {
            bar.hide();
            console.log(line);
          });
        else
          await writeResult(options.csv, async (part) => {
            const file = await open(part, 'w', ownerOnly.mode);
            await list((line) => file.write(`${line}\n`)).finally(() => file.close());
          });
        if (options.dicomdir !== undefined && archived.length > 0)
          await archive(orthanc.archives, archived, options.dicomdir);
      } finally {
        bar.stop();
        orthanc.close();
      }
      console.error(`${count} found`);
    });

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
