import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { classifierOptions } from '../app/classifier-options.js';
import { type Classifier, createClassifier } from '../classify/classifier.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/options.js';
import { version } from '../config/version.js';
import { createError } from '../errors/errors.js';
import { readCategoryMap } from '../evaluate/category-map.js';
import { evaluatePictures } from '../evaluate/evaluate-pictures.js';
import type { GroundTruth } from '../evaluate/ground-truth.js';
import { reportPage } from '../evaluate/html/page.js';
import { requireCategories, withMappedLabels } from '../evaluate/read-ground-truth.js';
import { reportOf } from '../evaluate/report.js';
import { terminalText } from '../evaluate/terminal.js';
import { thumbnailsOf } from '../evaluate/thumbnails.js';
import { requireWritable, writeResult } from '../files/result-file.js';
import { fraction, integer } from './arguments.js';
import { type SourceOptions, withTruth } from './evaluate-source.js';
import { progressBar } from './progress.js';

interface Options extends SourceOptions {
  network?: string;
  classes?: string;
  against?: string;
  againstClasses?: string;
  threshold?: number;
  margin?: number;
  unknownBelow?: number;
  map?: string;
  worst: number;
  json?: string;
  html?: string;
  thumbnails: boolean;
}

type NetworkOptions = { [K in 'network' | 'classes']?: string | undefined } & Pick<
  Options,
  'threshold' | 'margin' | 'unknownBelow'
>;

/** Exit status: 0 all pictures read, 1 some not, 2 wrongly called or configured. */
export const evaluateCommand = () =>
  new Command('evaluate')
    .description('measure a network on pictures whose categories are known')
    .argument(
      '[labels]',
      'labels file (CSV or TSV with header; paths relative to it), or a folder: with such a file, or with one folder for each category',
    )
    .option('--network <name>', 'embedded, nncpr, or a frozen graph (.pb) (default: PLAINVIEW_NETWORK)')
    .option('--classes <file>', "names of the graph's outputs, one a line (default: classes.txt beside it)")
    .option('--against <name>', 'a second network, shown the same pictures and compared with the first')
    .option('--against-classes <file>', 'names of its outputs (default: classes.txt beside it)')
    .option('--orthanc', 'in place of files: the instances of an Orthanc whose category a person has set')
    .option('--query <Tag=value...>', 'of these, only those with these DICOM attributes (StationName=ROOM*)')
    .option('--from <date>', 'of these, only with a Study Date from this day on (2026-01-31)')
    .option('--to <date>', 'of these, only with a Study Date up to this day')
    .option('--threshold <score>', 'best score from which a category is given', fraction)
    .option('--margin <score>', 'least distance between the two best scores', fraction)
    .option('--unknown-below <score>', 'best score under which the view is unknown', fraction)
    .option('--file-column <name>', "the labels file's column of paths", 'file')
    .option('--label-column <name>', "the labels file's column of categories", 'label')
    .option(
      '--by <column>',
      'also give the figures for each value of this column; with --orthanc, of this attribute (StationName)',
    )
    .option('--map <file>', "table with the columns label and category: a site's own names for categories")
    .option('--worst <n>', 'how many of the worst errors are listed', integer(0), 24)
    .option('--json <file>', 'write all figures there')
    .option('--html <file>', 'write the report there, as one page that needs nothing else')
    .option('--no-thumbnails', 'show no pictures in the page')
    .addHelpText(
      'after',
      `
Labels that are no category of the network count as none of the categories (other).
Thresholds given here go for both networks; else each has its own.
Engine and threads are chosen by PLAINVIEW_ENGINE and PLAINVIEW_WORKERS, the Orthanc by PLAINVIEW_ORTHANC_URL and its like.`,
    )
    .action(async (labels: string | undefined, options: Options) => {
      const config = loadConfig(process.env);
      for (const file of [options.json, options.html]) if (file !== undefined) await requireWritable(file);
      process.exitCode = await withTruth(labels, options, config, (found) =>
        withClassifiers(networksOf(config, options), async (classifiers) => {
          const truth = await inTheNetworksWords(found, classifiers, options.map);
          return evaluate(truth, classifiers, config, options);
        }),
      );
    });

/** @throws usage where both networks are one */
async function withClassifiers<T>(
  networks: readonly Config[],
  use: (classifiers: readonly Classifier[]) => Promise<T>,
): Promise<T> {
  const classifiers: Classifier[] = [];
  try {
    for (const network of networks) classifiers.push(await createClassifier(classifierOptions(network)));
    const [first, second] = classifiers.map(({ network }) => network.sha256);
    if (first === second) throw createError('usage', { problem: '--against names the same network again' });
    return await use(classifiers);
  } finally {
    await Promise.all(classifiers.map((classifier) => classifier.close()));
  }
}

async function evaluate(
  truth: GroundTruth,
  classifiers: readonly Classifier[],
  config: Config,
  options: Options,
): Promise<0 | 1> {
  const { length } = truth.pictures;
  const bar = progressBar(length, 'pictures');
  const began = performance.now();
  const result = await evaluatePictures(truth, classifiers, concurrencyOf(classifiers, config), () =>
    bar.advance(),
  ).finally(() => bar.stop());
  const seconds = (performance.now() - began) / 1000;
  for (const { picture, error } of result.unread) console.error(`${picture.id}: ${error.message}`);
  if (result.unread.length === length)
    throw createError('nothing_to_evaluate', { problem: `none of the ${length} pictures can be read` });
  const { by, worst } = options;
  const report = reportOf({
    truth,
    run: result,
    classifiers,
    plainview: version,
    when: new Date(),
    by,
    worst,
  });
  const { json, html } = options;
  if (json !== undefined)
    await writeResult(json, (part) => writeFile(part, `${JSON.stringify(report, null, 1)}\n`));
  if (html !== undefined) {
    const shown = [
      ...report.evaluations.flatMap(({ worst }) => worst.map(({ picture }) => picture)),
      ...(report.comparison?.splits ?? []).map(({ first }) => first.picture),
    ];
    const thumbnails = options.thumbnails
      ? await thumbnailsOf(shown, truth, config.maxMegapixels)
      : undefined;
    await writeResult(html, (part) => writeFile(part, reportPage(report, thumbnails)));
  }
  console.log(terminalText(report));
  console.error(
    `${length} pictures in ${seconds.toFixed(1)} s: ${(length / seconds).toFixed(0)} a second on ${classifiers.map(({ engine }) => engine.engine).join(', ')}`,
  );
  return result.unread.length === 0 ? 0 : 1;
}

/** @throws labels_invalid, nothing_to_evaluate */
async function inTheNetworksWords(
  truth: GroundTruth,
  classifiers: readonly Classifier[],
  map: string | undefined,
): Promise<GroundTruth> {
  const known = new Set(classifiers.flatMap(({ network }) => network.classes));
  const result = map === undefined ? truth : withMappedLabels(truth, await readCategoryMap(map, known));
  for (const { network } of classifiers) requireCategories(result, network);
  return result;
}

function networksOf(config: Config, options: Options): Config[] {
  const { against, againstClasses } = options;
  const first = withOptions(config, options);
  if (against !== undefined)
    return [first, withOptions(config, { ...options, network: against, classes: againstClasses })];
  if (againstClasses !== undefined)
    throw createError('usage', { problem: '--against-classes needs --against' });
  return [first];
}

/** A network that is named here is not the service's, so neither are its classes and thresholds. */
function withOptions(
  config: Config,
  { network, classes, threshold, margin, unknownBelow }: NetworkOptions,
): Config {
  const base =
    network === undefined
      ? config
      : {
          ...config,
          network,
          labels: undefined,
          threshold: undefined,
          margin: undefined,
          unknownBelow: undefined,
        };
  return {
    ...base,
    labels: classes ?? base.labels,
    threshold: threshold ?? base.threshold,
    margin: margin ?? base.margin,
    unknownBelow: unknownBelow ?? base.unknownBelow,
  };
}

/** Enough for every thread to have its next picture ready; a GPU takes its batches from it. */
const concurrencyOf = (classifiers: readonly Classifier[], { workers }: Config): number =>
  classifiers.some(({ engine }) => engine.engine === 'gpu') ? 64 : 4 * (workers || availableParallelism());
