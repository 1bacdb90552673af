import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { networkFiles } from '../app/classifier-options.js';
import { type ClassifierOptions, createClassifier } from '../classify/classifier.js';
import { engineChoice } from '../classify/engines/engine.js';
import { terminalMessage } from '../errors/errors.js';
import { fraction, integer } from './arguments.js';
import { labelFiles, pathsFrom } from './label-files.js';
import { type LineOptions, linesOf } from './label-lines.js';
import { progressBar } from './progress.js';

interface Options extends LineOptions {
  graph: string;
  labels?: string;
  input_height: number;
  input_width: number;
  input_mean: number;
  input_std: number;
  input_layer: string;
  output_layer: string;
  engine: string;
  workers: number;
  threshold?: number;
  margin?: number;
  unknown_below?: number;
}

/** Exit status: 0 all pictures classified, 1 some not, 2 wrongly called or configured. */
export const labelCommand = () =>
  new Command('label')
    .description(
      "classify picture files (PNG, JPEG, GIF, PAM); one line each, as NNCPR's label_image.py prints it",
    )
    .argument('<image...>', 'files; - reads their paths from standard input, one a line')
    .option('--graph <file>', 'frozen graph (.pb), or: embedded, nncpr', 'embedded')
    .option('--labels <file>', "names of the graph's outputs, one a line (default: classes.txt beside it)")
    .option('--input_height <pixels>', 'input height', integer(1), 224)
    .option('--input_width <pixels>', 'input width', integer(1), 224)
    .option('--input_mean <level>', 'grey level that becomes 0', integer(0), 128)
    .option('--input_std <levels>', 'grey levels that become 1', integer(1), 128)
    .option('--input_layer <name>', 'name of the input layer in the graph', 'input')
    .option('--output_layer <name>', 'name of the output layer in the graph', 'final_result')
    .option('--json', 'print one JSON object a line', false)
    .option('--top <n>', 'show the n best categories (default: 1; with --json 5)', integer(1))
    .option('--engine <name>', engineChoice.options.join(', '), oneOf(engineChoice.options), 'auto')
    .option('--workers <n>', 'threads; 0: one per CPU core, at most four', integer(0), 0)
    .option('--threshold <score>', 'best score from which a category is given', fraction)
    .option('--margin <score>', 'least distance between the two best scores', fraction)
    .option('--unknown_below <score>', 'best score under which the view is unknown', fraction)
    .action(async (images: string[], options: Options) => {
      process.exitCode = await label(images, options);
    });

async function label(images: string[], options: Options): Promise<0 | 1 | 2> {
  const classifier = await createClassifier(classifierOptions(options)).catch((error: unknown) => {
    console.error(terminalMessage(error));
  });
  if (!classifier) return 2;
  const bar = progressBar(images.includes('-') ? undefined : images.length, 'pictures');
  // Enough for every thread to have its next picture ready; a GPU takes its batches from it.
  const concurrency =
    classifier.engine.engine === 'gpu' ? 64 : 4 * (options.workers || availableParallelism());
  let failures = 0;
  // Whoever reads may have seen enough (`| head`): that is no error of anybody's.
  let isReaderGone = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    isReaderGone = true;
  });
  try {
    for await (const labelled of labelFiles(pathsFrom(images, process.stdin), classifier, concurrency)) {
      if (isReaderGone) break;
      if ('error' in labelled) failures++;
      const { to, text } = linesOf(labelled, classifier.network, options);
      bar.advance();
      bar.hide();
      await write(process[to], text);
    }
  } finally {
    bar.stop();
    await classifier.close();
  }
  return failures === 0 ? 0 : 1;
}

/** Waits where the reader is slower than the network, so that lines do not pile up in memory. */
async function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  if (stream.write(text)) return;
  await once(stream, 'drain').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const classifierOptions = (options: Options): ClassifierOptions => ({
  ...networkFiles({ network: options.graph, labels: options.labels }),
  engine: engineChoice.parse(options.engine),
  workers: options.workers,
  inputHeight: options.input_height,
  inputWidth: options.input_width,
  inputMean: options.input_mean,
  inputStd: options.input_std,
  inputLayer: options.input_layer,
  outputLayer: options.output_layer,
  thresholds: { threshold: options.threshold, margin: options.margin, unknownBelow: options.unknown_below },
});

function oneOf(names: readonly string[]) {
  return (text: string): string => {
    if (!names.includes(text)) throw new InvalidArgumentError(`It must be one of ${names.join(', ')}.`);
    return text;
  };
}
