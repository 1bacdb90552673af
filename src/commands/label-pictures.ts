import { once } from 'node:events';
import { statSync } from 'node:fs';
import { type ClassifierOptions, createClassifier } from '../classify/classifier.js';
import type { EngineChoice } from '../classify/engines/engine.js';
import type { Precision } from '../classify/precision.js';
import type { EarlyProcess } from '../classify/workers/process.js';
import { loadConfig } from '../config/load.js';
import { terminalMessage } from '../errors/errors.js';
import { LeftOutFiles } from '../evaluate/picture-files.js';
import { frameChoice, networkFiles } from '../networks/classifier-options.js';
import { concurrencyOf } from './concurrency.js';
import { filesOf, labelFiles, pathsFrom } from './label-files.js';
import { isBeyond, type LineOptions, linesOf } from './label-lines.js';
import { progressBar } from './progress.js';

export interface LabelOptions extends LineOptions {
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

/**
 * @param early is taken where it fits
 * @returns the exit status: 0 if all pictures were classified, 1 if not, 2 if the configuration is wrong
 */
export async function label(
  images: string[],
  options: LabelOptions,
  early: EarlyProcess,
): Promise<0 | 1 | 2> {
  const config = loadConfig(process.env);
  const classifier = await createClassifier({
    ...classifierOptions(options),
    maxMegapixels: config.maxMegapixels,
    frame: frameChoice(config),
    readsSide: config.side !== 'off',
    early,
  }).catch((error: unknown) => {
    console.error(terminalMessage(error));
  });
  if (!classifier) return 2;
  const hasFolders = images.some(isFolder);
  const bar = progressBar(images.includes('-') || hasFolders ? undefined : images.length, 'pictures');
  const concurrency = concurrencyOf([classifier], options);
  const leftOut = new LeftOutFiles();
  const counts = { pictures: 0, failures: 0, beyond: 0 };
  const readerGone = new AbortController();
  process.stdout.on('error', () => readerGone.abort());
  try {
    const files = filesOf(pathsFrom(images, process.stdin, readerGone.signal), config, leftOut);
    for await (const labelled of labelFiles(files, classifier, concurrency)) {
      if (readerGone.signal.aborted) break;
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

const classifierOptions = (options: LabelOptions): ClassifierOptions => ({
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
