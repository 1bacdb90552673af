import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
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
import { shadowText } from '../evaluate/shadow.js';
import { terminalText } from '../evaluate/terminal.js';
import { thumbnailsOf } from '../evaluate/thumbnails.js';
import { ownerOnly } from '../files/replace.js';
import { requireWritable, writeResult } from '../files/result-file.js';
import { withNetworkInUse } from '../networks/choice.js';
import { classifierOptions } from '../networks/classifier-options.js';
import { fraction, integer } from './arguments.js';
import { concurrencyOf } from './concurrency.js';
import { readShadowed, type SourceOptions, withTruth } from './evaluate-source.js';
import { inputLayerOption, networkOptions, outputLayerOption } from './network-options.js';
import { progressBar } from './progress.js';

interface Options extends SourceOptions {
  network?: string;
  classes?: string;
  input_layer?: string;
  output_layer?: string;
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
  shadow?: true;
}

/** Exit status: 0 if all pictures were read, 1 if not, 2 if the call or the configuration is wrong. */
export const evaluateCommand = () =>
  new Command('evaluate')
    .description('measure a network on pictures whose categories are known')
    .argument(
      '[labels]',
      'labels file (CSV or TSV with header; paths relative to it), or a folder that contains such a file or one folder per category',
    )
    .option(
      '--network <name>',
      'embedded, nncpr, a name in the folder of networks, a frozen graph (.pb) or an ONNX file (.onnx) (default: the one in use)',
    )
    .option(
      '--classes <file>',
      "file with the names of a frozen graph's outputs, one per line (default: classes.txt in its folder)",
    )
    .option(...inputLayerOption)
    .option(...outputLayerOption)
    .option('--against <name>', 'a second network, to compare with the first on the same pictures')
    .option(
      '--against-classes <file>',
      "file with the names of its outputs (default: classes.txt in the graph's folder)",
    )
    .option(
      '--orthanc',
      'instead of files: use the instances in Orthanc whose category a person has set or confirmed',
    )
    .option(
      '--shadow',
      'with --orthanc: compare the recorded answers of the network and of its shadow; no network is loaded',
    )
    .option(
      '--query <Tag=value...>',
      'with --orthanc: only instances with these DICOM attributes (StationName=ROOM*)',
    )
    .option('--from <date>', 'with --orthanc: only Study Dates from this day on (2026-01-31)')
    .option('--to <date>', 'with --orthanc: only Study Dates up to this day')
    .option('--threshold <score>', 'lowest best score for which a category is given', fraction)
    .option(
      '--margin <score>',
      'smallest difference between the two best scores for which a category is given',
      fraction,
    )
    .option('--unknown-below <score>', 'below this best score the view is unknown', fraction)
    .option('--file-column <name>', 'column of the labels file that contains the paths', 'file')
    .option('--label-column <name>', 'column of the labels file that contains the categories', 'label')
    .option(
      '--by <column>',
      'also show the figures for each value of this column, or with --orthanc of this attribute (StationName)',
    )
    .option(
      '--map <file>',
      "table with the columns label and category, which translates a site's own names of categories",
    )
    .option('--worst <n>', 'number of the worst errors to list', integer(0), 24)
    .option('--json <file>', 'write all figures to this file')
    .option('--html <file>', 'write the report to this file, as one self-contained page')
    .option('--no-thumbnails', 'leave the pictures out of the page')
    .addHelpText(
      'after',
      `
Labels that are not categories of the network count as none of the categories (other).
Thresholds given here apply to both networks. Without them, each network uses its own.
PLAINVIEW_ENGINE, PLAINVIEW_PRECISION and PLAINVIEW_WORKERS set the engine, its precision and the processes. The options PLAINVIEW_ORTHANC_… set the Orthanc.`,
    )
    .action(async (labels: string | undefined, options: Options) => {
      const config = await withNetworkInUse(loadConfig(process.env));
      for (const file of [options.json, options.html]) if (file !== undefined) await requireWritable(file);
      if (options.shadow) return evaluateShadow(labels, options, config);
      process.exitCode = await withTruth(labels, options, config, (found) =>
        withClassifiers(networksOf(config, options), async (classifiers) => {
          const truth = await withNetworkCategories(found, classifiers, options.map);
          return evaluate(truth, classifiers, config, options);
        }),
      );
    });

const notWithShadow = [
  'network',
  'classes',
  'input_layer',
  'output_layer',
  'against',
  'againstClasses',
  'threshold',
  'margin',
  'unknownBelow',
  'map',
  'by',
  'html',
] as const;

/** @throws usage, orthanc_…, report_unwritable */
async function evaluateShadow(labels: string | undefined, options: Options, config: Config): Promise<void> {
  const unfit = notWithShadow.find((name) => options[name] !== undefined);
  if (unfit !== undefined)
    throw createError('usage', {
      problem: `--${unfit.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} does not go with --shadow`,
    });
  const report = await readShadowed(labels, options, config);
  const { json } = options;
  if (json !== undefined)
    await writeResult(json, (part) => writeFile(part, `${JSON.stringify(report, null, 1)}\n`));
  console.log(shadowText(report));
}

/** @throws usage if both networks are the same */
async function withClassifiers<T>(
  networks: readonly Config[],
  use: (classifiers: readonly Classifier[]) => Promise<T>,
): Promise<T> {
  const classifiers: Classifier[] = [];
  try {
    for (const network of networks) classifiers.push(await createClassifier(classifierOptions(network)));
    // The same ONNX file can be described otherwise: then it prepares or reads otherwise, and can be compared.
    const [first, second] = classifiers.map(({ network }) => [network.sha256, network.described].join(' '));
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
    await writeResult(html, (part) => writeFile(part, reportPage(report, thumbnails), ownerOnly));
  }
  console.log(terminalText(report));
  console.error(
    `${length} pictures in ${seconds.toFixed(1)} s: ${(length / seconds).toFixed(0)} per second on ${classifiers.map(({ engine }) => engine.engine).join(', ')}`,
  );
  return result.unread.length === 0 ? 0 : 1;
}

/**
 * Applies the map, and checks that the labels are categories of the networks.
 * @throws labels_invalid, nothing_to_evaluate
 */
async function withNetworkCategories(
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
  const first = networkOptions(config, options);
  if (against !== undefined)
    return [
      first,
      networkOptions(config, {
        ...options,
        network: against,
        classes: againstClasses,
        input_layer: undefined,
        output_layer: undefined,
      }),
    ];
  if (againstClasses !== undefined)
    throw createError('usage', { problem: '--against-classes needs --against' });
  return [first];
}
