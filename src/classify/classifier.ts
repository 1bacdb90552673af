import { availableParallelism } from 'node:os';
// Native libraries have to be loaded by the main thread first, or they are unloaded with the first worker that ends.
import 'sharp';
import { createError } from '../errors/errors.js';
import type { EngineChoice } from './engines/engine.js';
import { loadNetwork, type Network, type NetworkSource, requireOutputs } from './network.js';
import { Pool } from './workers/pool.js';
import type { Classification, EngineReport, Explanation } from './workers/protocol.js';

export type { Network } from './network.js';
export type { Classification, EngineReport, Explanation } from './workers/protocol.js';

/** A network that is loaded and ready: picture in, scores out. Its work is done in worker threads. */
export interface Classifier {
  readonly network: Network;
  readonly engine: EngineReport;
  /**
   * @param picture PNG, JPEG, GIF or PAM. It is given away: its memory moves to a worker, and the buffer is empty then
   * @throws picture_undecodable, picture_too_large, classifier_crashed
   */
  classify(picture: Buffer): Promise<Classification>;
  /**
   * The scores, and which parts of the picture speak for or against a class: its activation map. The first one takes
   * a moment longer.
   * @param picture as for `classify`
   * @throws as `classify` does; class_unknown, explanation_unavailable, engine_wrong
   */
  explain(picture: Buffer, category: string): Promise<Explanation>;
  /** Ends what was begun, then the threads. */
  close(): Promise<void>;
}

export interface ClassifierOptions extends NetworkSource {
  engine: EngineChoice;
  /** Most threads at a time; 0: one for each CPU core, at most four. A GPU has one always. */
  workers: number;
  /** As `label_image.py` has them: 224 × 224, mean and standard deviation 128, `input`, `final_result`. */
  inputHeight?: number | undefined;
  inputWidth?: number | undefined;
  inputMean?: number | undefined;
  inputStd?: number | undefined;
  inputLayer?: string | undefined;
  outputLayer?: string | undefined;
  maxMegapixels?: number | undefined;
  /** Milliseconds that one picture may take once a thread has it; default two minutes. */
  timeoutMs?: number | undefined;
}

/** @throws network_…, engine_unavailable, engine_wrong, no_engine */
export async function createClassifier(options: ClassifierOptions): Promise<Classifier> {
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
  };
  const { pool, ready } = await Pool.start(setup, options.workers || Math.min(availableParallelism(), 4));
  try {
    requireOutputs(network, ready.classes, options.labels);
  } catch (error) {
    await pool.close();
    throw error;
  }
  return {
    network,
    engine: ready.report,
    classify: (picture) => pool.classify(ownMemory(picture)),
    async explain(picture, category) {
      const index = network.classes.indexOf(category);
      if (index < 0) throw createError('class_unknown', { name: category, network: network.name });
      return pool.explain(ownMemory(picture), index);
    },
    close: () => pool.close(),
  };
}

/** Small buffers share one block of memory with others, which must not be moved away with them. */
function ownMemory(picture: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = picture;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength
    ? new Uint8Array(buffer)
    : new Uint8Array(picture);
}
