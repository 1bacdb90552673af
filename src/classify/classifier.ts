import { availableParallelism } from 'node:os';
import { createError } from '../errors/errors.js';
import type { EngineChoice } from './engines/engine.js';
import { loadNetwork, type Network, type NetworkSource, requireOutputs } from './network.js';
import { Pool } from './workers/pool.js';
import type { Classification, EngineReport, Explanation, Features } from './workers/protocol.js';

export type { Network } from './network.js';
export type { Classification, EngineReport, Explanation, Features } from './workers/protocol.js';

/** A loaded network: picture in, scores out. It runs in processes of its own. */
export interface Classifier {
  readonly network: Network;
  readonly engine: EngineReport;
  /**
   * @param picture PNG, JPEG, GIF or PAM
   * @throws picture_undecodable, picture_too_large, classifier_crashed, classifier_hung, classifier_closed
   */
  classify(picture: Buffer): Promise<Classification>;
  /**
   * The scores and the activation map of a class: which parts of the picture raise or lower its score. The first call
   * of a process takes longer.
   * @param picture as for `classify`
   * @throws as `classify` does; class_unknown, explanation_unavailable, engine_wrong
   */
  explain(picture: Buffer, category: string): Promise<Explanation>;
  /**
   * The scores, and what enters the last layer of the network: what training fits a new last layer to. The first call of
   * a process takes longer.
   * @param picture as for `classify`
   * @throws as `classify` does; engine_wrong
   */
  features(picture: Buffer): Promise<Features>;
  /** Waits for the running calls, then ends the processes. @param deadline the calls that still run then fail */
  close(deadline?: AbortSignal): Promise<void>;
}

export interface ClassifierOptions extends NetworkSource {
  engine: EngineChoice;
  /** Most processes at a time; 0: one for each CPU core, at most four. With a GPU there is always one. */
  workers: number;
  /** Defaults as in `label_image.py`: 224 × 224, mean and standard deviation 128, `input`, `final_result`. */
  inputHeight?: number | undefined;
  inputWidth?: number | undefined;
  inputMean?: number | undefined;
  inputStd?: number | undefined;
  inputLayer?: string | undefined;
  outputLayer?: string | undefined;
  /** Largest picture; default 150. */
  maxMegapixels?: number | undefined;
  /** Milliseconds that a process may take for one picture; default two minutes. */
  timeoutMs?: number | undefined;
  /** Memory that a process may use; the default is enough for the largest picture. */
  memoryBytes?: number | undefined;
}

/** Of a colour picture: its file, its decoded pixels, and what libraries need beside them. */
const memoryFor = (maxMegapixels: number): number => 1_000_000_000 + 12 * 1_000_000 * maxMegapixels;

/**
 * @param cancelled ends the start
 * @throws network_…, engine_unavailable, engine_wrong, no_engine; classifier_crashed where the start is ended
 */
export async function createClassifier(
  options: ClassifierOptions,
  cancelled?: AbortSignal,
): Promise<Classifier> {
  const { network, file } = await loadNetwork(options);
  const setup = {
    file,
    layers: {
      inputLayer: options.inputLayer ?? 'input',
      outputLayer: options.outputLayer ?? 'final_result',
    },
    preparation: {
      height: options.inputHeight ?? 224,
      width: options.inputWidth ?? 224,
      mean: options.inputMean ?? 128,
      std: options.inputStd ?? 128,
    },
    engine: options.engine,
    maxMegapixels: options.maxMegapixels ?? 150,
    timeoutMs: options.timeoutMs ?? 120_000,
    memoryBytes: options.memoryBytes ?? memoryFor(options.maxMegapixels ?? 150),
  };
  const workers = options.workers || Math.min(availableParallelism(), 4);
  const { pool, ready } = await Pool.start(setup, workers, cancelled);
  try {
    requireOutputs(network, ready.classes, options.labels);
  } catch (error) {
    await pool.close();
    throw error;
  }
  return {
    network,
    engine: ready.report,
    classify: (picture) => pool.classify(picture),
    async explain(picture, category) {
      const index = network.classes.indexOf(category);
      if (index < 0) throw createError('class_unknown', { name: category, network: network.name });
      return pool.explain(picture, index);
    },
    features: (picture) => pool.features(picture),
    close: (deadline) => pool.close(deadline),
  };
}
