import { once } from 'node:events';
import { statSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { type ClassifierOptions, createClassifier } from '../classify/classifier.js';
import { type EngineChoice, engineChoices } from '../classify/engines/engine.js';
import { type Precision, precision } from '../classify/precision.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/options.js';
import { terminalMessage } from '../errors/errors.js';
import { LeftOutFiles } from '../evaluate/picture-files.js';
import { frameChoice, networkFiles } from '../networks/classifier-options.js';
import { fraction, integer } from './arguments.js';
import { concurrencyOf } from './concurrency.js';
import { filesOf, labelFiles, pathsFrom } from './label-files.js';
import { isBeyond, type LineOptions, linesOf } from './label-lines.js';
import { inputLayerOption, outputLayerOption } from './network-options.js';
import { progressBar } from './progress.js';

interface Options extends LineOptions {
  graph: string;
  labels?: string;
  input_height?: number;
  input_width?: number;
  input_mean?: number;
  input_std?: number;
  input_layer?: string;
  output_layer?: string;
  engine: EngineChoice;
  precision: Precision;
  workers: number;
  threshold?: number;
  margin?: number;
  unknown_below?: number;
}

/** Exit status: 0 if all pictures were classified, 1 if not, 2 if the call or the configuration is wrong. */
export const labelCommand = () =>
  new Command('label')
    .description(
      "classify DICOM and picture files (PNG, JPEG, GIF, PAM, TIFF, WebP, BMP), and print one line per file as NNCPR's label_image.py does",
    )
    .argument(
      '<image...>',
      'files, or folders with files at any depth; - reads paths from standard input, one per line',
    )
    .option('--graph <file>', 'frozen graph (.pb), ONNX file (.onnx), embedded or nncpr', 'embedded')
    .option(
      '--labels <file>',
      "file with the names of a frozen graph's outputs, one per line (default: classes.txt in its folder)",
    )
    .option('--input_height <pixels>', 'input height of a frozen graph (default: 224)', integer(1))
    .option('--input_width <pixels>', 'input width of a frozen graph (default: 224)', integer(1))
    .option('--input_mean <level>', 'grey level that becomes 0, of a frozen graph (default: 128)', integer(0))
    .option('--input_std <levels>', 'grey levels that become 1, of a frozen graph (default: 128)', integer(1))
    .option(...inputLayerOption)
    .option(...outputLayerOption)
    .option('--json', 'print one JSON object per line', false)
    .option('--top <n>', 'show the n best categories (default: 1; with --json: 5)', integer(1))
    .option('--engine <name>', engineChoices.join(', '), oneOf(engineChoices), 'auto')
    .option(
      '--precision <name>',
      `${precision.options.join(' or ')} (onnxruntime alone)`,
      oneOf(precision.options),
      'float32',
    )
    .option('--workers <n>', 'number of processes; 0: one per CPU core, at most four', integer(0), 0)
    .option('--threshold <score>', 'lowest best score for which a category is given', fraction)
    .option(
      '--margin <score>',
      'smallest difference between the two best scores for which a category is given',
      fraction,
    )
    .option('--unknown_below <score>', 'below this best score the view is unknown', fraction)
    .addHelpText(
      'after',
      `
DICOM files are rendered as the service has them rendered, without an Orthanc. Of a folder, files that are no pictures
are left out, and DICOM files that the service would leave alone (PLAINVIEW_MODALITIES, PLAINVIEW_MULTIFRAME).
label_image.py reads PNG, JPEG and GIF; with --json, files of another format have \`format\`.`,
    )
    .action(async (images: string[], options: Options) => {
      process.exitCode = await label(images, options, loadConfig(process.env));
    });

async function label(images: string[], options: Options, config: Config): Promise<0 | 1 | 2> {
  const classifier = await createClassifier({
    ...classifierOptions(options),
    maxMegapixels: config.maxMegapixels,
    frame: frameChoice(config),
    readsSide: config.side !== 'off',
  }).catch((error: unknown) => {
    console.error(terminalMessage(error));
  });
  if (!classifier) return 2;
  const hasFolders = images.some(isFolder);
  const bar = progressBar(images.includes('-') || hasFolders ? undefined : images.length, 'pictures');
  const concurrency = concurrencyOf([classifier], options);
  const leftOut = new LeftOutFiles();
  const counts = { pictures: 0, failures: 0, beyond: 0 };
  // The reader may close the pipe early (`| head`). That is not an error.
  let isPipeClosed = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    isPipeClosed = true;
  });
  try {
    const files = filesOf(pathsFrom(images, process.stdin), config, leftOut);
    for await (const labelled of labelFiles(files, classifier, concurrency)) {
      if (isPipeClosed) break;
      if ('error' in labelled) counts.failures++;
      else counts.pictures++;
      if (isBeyond(labelled)) counts.beyond++;
      const { to, text } = linesOf(labelled, options);
      bar.advance();
      bar.hide();
      await write(process[to], text);
    }
  } finally {
    bar.stop();
    await classifier.close();
  }
  const { pictures, failures, beyond } = counts;
  const left = leftOut.text();
  if (hasFolders || left !== undefined)
    console.error(
      [`${pictures} pictures, ${failures} failed`, ...(left === undefined ? [] : [left])].join('; '),
    );
  if (beyond > 0)
    console.error(
      `${beyond} of ${pictures} pictures are of a format that label_image.py does not read, so their scores have no counterpart there.`,
    );
  return failures === 0 ? 0 : 1;
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Waits if the reader is slower than the network, so that memory does not fill up with lines. */
async function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  if (stream.write(text)) return;
  await once(stream, 'drain').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const classifierOptions = (options: Options): ClassifierOptions => ({
  ...networkFiles({ network: options.graph, labels: options.labels }),
  engine: options.engine,
  precision: options.precision,
  tellsOrientation: true,
  workers: options.workers,
  inputHeight: options.input_height,
  inputWidth: options.input_width,
  inputMean: options.input_mean,
  inputStd: options.input_std,
  inputLayer: options.input_layer,
  outputLayer: options.output_layer,
  thresholds: { threshold: options.threshold, margin: options.margin, unknownBelow: options.unknown_below },
});

function oneOf<T extends string>(names: readonly T[]) {
  return (text: string): T => {
    const found = names.find((name) => name === text);
    if (found === undefined) throw new InvalidArgumentError(`It must be one of ${names.join(', ')}.`);
    return found;
  };
}
