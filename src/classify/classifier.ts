import { availableParallelism } from 'node:os';
import { asPlainviewError, createError, type PlainviewError } from '../errors/errors.js';
import type { EngineChoice, EngineName } from './engines/engine.js';
import { buildChain } from './graph/chain.js';
import { readGraphDef } from './graph/graphdef.js';
import { featuresHash as featuresHashOf, softmax, throughDense } from './graph/last-layer.js';
import { walk } from './graph/walk.js';
import { loadNetwork, type Network, type NetworkSource, requireOutputs } from './network.js';
import { Pool } from './workers/pool.js';
import type {
  Classification,
  EngineReport,
  Explanation,
  Features,
  Setup,
  ShadowOutcome,
} from './workers/protocol.js';

export type { Network } from './network.js';
export type { Classification, EngineReport, Explanation, Features } from './workers/protocol.js';

/** What the second network made of a picture. It changes nothing. */
export type ShadowClassification = ShadowOutcome & { readonly network: Network };

/** The last layer of a network, which makes scores of features. */
export interface KnownLastLayer {
  /** The same for all networks with the same features. */
  readonly featuresHash: string;
  /** Number of features. */
  readonly inputs: number;
  scores(features: Float32Array): Float32Array;
}

/** The scores of a picture, and what computed them. */
export interface Classified extends Omit<Classification, 'shadow'> {
  readonly network: Network;
  readonly engine: EngineName;
  readonly shadow?: ShadowClassification;
}

/** Why a picture has its score for a class. */
export interface Explained extends Explanation {
  /** Of that class. */
  readonly score: number;
}

/** A second network that looks at every picture that is classified. */
export interface Shadow {
  /** Undefined where its files cannot be read. */
  readonly network?: Network | undefined;
  /** Why it does not look at pictures; undefined while it does. */
  readonly problem?: PlainviewError | undefined;
}

/** A loaded network: picture in, scores out. It runs in processes of its own. */
export interface Classifier {
  readonly network: Network;
  readonly engine: EngineReport;
  readonly shadow?: Shadow | undefined;
  /** Known where features are to be kept: then `classify` gives them. */
  readonly lastLayer?: KnownLastLayer | undefined;
  /**
   * @param picture PNG, JPEG, GIF or PAM
   * @throws picture_undecodable, picture_too_large, classifier_crashed, classifier_hung, classifier_closed
   */
  classify(picture: Buffer): Promise<Classified>;
  /**
   * The scores and the activation map of a class: which parts of the picture raise or lower its score. The first call
   * of a process takes longer.
   * @param picture as for `classify`
   * @throws as `classify` does; class_unknown, explanation_unavailable, engine_wrong
   */
  explain(picture: Buffer, category: string): Promise<Explained>;
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
  /** Whether `classify` gives the features of each picture too, and the last layer is known. */
  keepsFeatures?: boolean | undefined;
  /** A second network. Where it cannot run, the first one does. It is left out where it is the same as the first one. */
  shadow?: NetworkSource | undefined;
  /** Milliseconds that it may take for one picture; default ten seconds. */
  shadowTimeoutMs?: number | undefined;
}

/** Of a colour picture: its file, its decoded pixels, and what libraries need beside them. */
const memoryFor = (maxMegapixels: number): number => 1_000_000_000 + 12 * 1_000_000 * maxMegapixels;
/** Of a second network: its weights, as the file, the graph and the engine have them, and its activations. */
const memoryOfShadow = ({ length }: Buffer): number => 200_000_000 + 6 * length;

/**
 * @param cancelled ends the start
 * @throws network_…, engine_unavailable, engine_wrong, no_engine; classifier_crashed where the start is ended
 */
export async function createClassifier(
  options: ClassifierOptions,
  cancelled?: AbortSignal,
): Promise<Classifier> {
  const { network, file } = await loadNetwork(options);
  const second = await loadShadow(options.shadow, network);
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
    memoryBytes:
      (options.memoryBytes ?? memoryFor(options.maxMegapixels ?? 150)) +
      (second?.file === undefined ? 0 : memoryOfShadow(second.file)),
    ...(second?.file === undefined
      ? {}
      : { shadow: { file: second.file, timeoutMs: options.shadowTimeoutMs ?? 10_000 } }),
  };
  const lastLayer = options.keepsFeatures ? lastLayerOf(file, setup) : undefined;
  const workers = options.workers || Math.min(availableParallelism(), 4);
  const { pool, ready } = await Pool.start(setup, workers, cancelled);
  try {
    requireOutputs(network, ready.classes, options.labels);
  } catch (error) {
    await pool.close();
    throw error;
  }
  const shadowNetwork = second?.network;
  if (
    options.shadow !== undefined &&
    shadowNetwork !== undefined &&
    ready.shadow &&
    'classes' in ready.shadow
  )
    try {
      requireOutputs(shadowNetwork, ready.shadow.classes, options.shadow.labels);
    } catch (error) {
      pool.stopShadow(asPlainviewError(error));
    }
  return {
    network,
    engine: ready.report,
    get shadow() {
      return second && { network: shadowNetwork, problem: second.problem ?? pool.shadowProblem };
    },
    lastLayer,
    async classify(picture) {
      const { shadow, ...scored } = await pool.classify(
        picture,
        lastLayer === undefined ? 'scores' : 'features',
      );
      return {
        ...scored,
        network,
        engine: ready.report.engine,
        ...(shadow === undefined || shadowNetwork === undefined
          ? {}
          : { shadow: { ...shadow, network: shadowNetwork } }),
      };
    },
    async explain(picture, category) {
      const index = network.classes.indexOf(category);
      if (index < 0) throw createError('class_unknown', { name: category, network: network.name });
      const explanation = await pool.explain(picture, index);
      return { ...explanation, score: explanation.scores[index] ?? 0 };
    },
    features: (picture) => pool.features(picture),
    close: (deadline) => pool.close(deadline),
  };
}

function lastLayerOf(file: Buffer, { layers, preparation }: Setup): KnownLastLayer {
  const chain = buildChain(walk(readGraphDef(file), layers), preparation);
  const layer = chain.head.at(-1);
  const featuresHash = featuresHashOf(chain);
  // Only this layer is kept: the others hold most of the weights.
  return {
    featuresHash,
    inputs: layer?.inputs ?? chain.classes,
    scores: (features) => softmax(layer === undefined ? features : throughDense(layer, features)),
  };
}

interface LoadedShadow {
  network?: Network;
  file?: Buffer;
  problem?: PlainviewError;
}

/** @returns undefined where there is none, or it is the first network */
async function loadShadow(
  source: NetworkSource | undefined,
  first: Network,
): Promise<LoadedShadow | undefined> {
  if (source === undefined) return undefined;
  try {
    const { network, file } = await loadNetwork(source);
    if (network.sha256 === first.sha256) return undefined;
    return { network, file };
  } catch (error) {
    return { problem: asPlainviewError(error) };
  }
}
