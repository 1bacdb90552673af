import { availableParallelism } from 'node:os';
import { asPlainviewError, createError, type PlainviewError } from '../errors/errors.js';
import { cascadeOf } from './cascade.js';
import type { EngineChoice } from './engines/engine.js';
import type { Classifier } from './interface.js';
import { readMirrorModel } from './mirror-model.js';
import {
  type LoadedNetwork,
  loadNetwork,
  type Network,
  type NetworkSource,
  requireFrozen,
  requireOutputs,
} from './network.js';
import type { FrameChoice } from './prepare/picture.js';
import { tapsFor } from './prepare/resize.js';
import { readSideModel } from './side-model.js';
import { readUprightHead } from './upright-head.js';
import { defaultMegapixels, memoryFor, memoryOf } from './workers/memory.js';
import type { OrientationSetup } from './workers/mirror-teller.js';
import { Pool } from './workers/pool.js';
import type { EarlyProcess } from './workers/process.js';

export type {
  Classified,
  Classifier,
  Explained,
  KnownLastLayer,
  Look,
  Shadow,
  ShadowClassification,
} from './interface.js';
export type { Network } from './network.js';
export type { Classification, EngineReport, Explanation, Features } from './workers/protocol.js';

export interface ClassifierOptions extends NetworkSource {
  engine: EngineChoice;
  /** Most processes at a time; 0: one for each CPU core, at most four. With a GPU there is always one. */
  workers: number;
  /** Largest picture; default 150. */
  maxMegapixels?: number | undefined;
  /** Which frame of a DICOM file is classified; default `first`. */
  frame?: FrameChoice | undefined;
  /** Milliseconds that a process may take for one picture; default two minutes. */
  timeoutMs?: number | undefined;
  /** Memory that a process may use; the default is enough for the largest picture. */
  memoryBytes?: number | undefined;
  /** Whether `classify` gives the features of each picture too, and the last layer is known. */
  keepsFeatures?: boolean | undefined;
  /** Whether `classify` tells which way up pictures are, where `model/upright.json` belongs to the network. */
  tellsOrientation?: boolean | undefined;
  /** Whether `classify` reads the markers of sides on pictures. */
  readsSide?: boolean | undefined;
  /** A second network. Where it cannot run, the first one does. It is left out where it is the same as the first one, in the same precision. */
  shadow?: NetworkSource | undefined;
  /** Milliseconds that it may take for one picture; default ten seconds. */
  shadowTimeoutMs?: number | undefined;
  /** The first process, where it fits. */
  early?: EarlyProcess | undefined;
  /** Called once the first process has all that it needs, and the caller can do something else meanwhile. */
  onStarting?: (() => void) | undefined;
}

/**
 * @param cancelled ends the start
 * @throws network_…, int8_unavailable, engine_unavailable, engine_wrong, no_engine; classifier_unstartable, also where the start is cancelled
 */
export async function createClassifier(
  options: ClassifierOptions,
  cancelled?: AbortSignal,
): Promise<Classifier> {
  const loaded = await loadNetwork(options);
  if (loaded.next.size === 0) return createOne(loaded, options, cancelled);
  const started = new Map<LoadedNetwork, Classifier>();
  const start = async (network: LoadedNetwork, own: ClassifierOptions): Promise<Classifier> => {
    const classifier = started.get(network) ?? (await createOne(network, own, cancelled));
    started.set(network, classifier);
    return classifier;
  };
  try {
    const alone = { ...options, keepsFeatures: false };
    const first = await start({ ...loaded, network: loaded.first }, alone);
    const next = new Map<string, Classifier>();
    for (const [category, network] of loaded.next)
      next.set(category, await start(network, { ...alone, readsSide: false, shadow: undefined }));
    return cascadeOf(loaded.network, first, next);
  } catch (error) {
    await Promise.all([...started.values()].map((classifier) => classifier.close()));
    throw error;
  }
}

async function createOne(
  loaded: LoadedNetwork,
  options: ClassifierOptions,
  cancelled: AbortSignal | undefined,
): Promise<Classifier> {
  const { network, model } = loaded;
  const second = await loadShadow(options.shadow, network);
  const side = options.readsSide ? await readSideModel() : undefined;
  const others = [
    ...(model.kind === 'onnx' ? [model] : []),
    ...(second?.loaded ? [second.loaded.model] : []),
    ...(side === undefined ? [] : [{ file: side.graph }]),
  ];
  const setup = {
    model,
    engine: options.engine,
    orientation: options.tellsOrientation ? await orientationOf(network) : undefined,
    side,
    maxMegapixels: options.maxMegapixels ?? defaultMegapixels,
    frame: options.frame,
    timeoutMs: options.timeoutMs ?? 120_000,
    memoryBytes:
      (options.memoryBytes ?? memoryFor(options.maxMegapixels ?? defaultMegapixels)) +
      others.reduce((sum, other) => sum + memoryOf(other), 0),
    ...(second?.loaded === undefined
      ? {}
      : { shadow: { model: second.loaded.model, timeoutMs: options.shadowTimeoutMs ?? 10_000 } }),
  };
  // The graph is read here only for this.
  const lastLayer = options.keepsFeatures
    ? (await import('./known-last-layer.js')).lastLayerOf(model)
    : undefined;
  const workers = options.workers || Math.min(availableParallelism(), 4);
  const { pool, ready } = await Pool.start(setup, workers, cancelled, options);
  try {
    requireOutputs(loaded, ready.classes);
  } catch (error) {
    await pool.close();
    throw error;
  }
  const shadowNetwork = second?.loaded?.network;
  if (second?.loaded !== undefined && ready.shadow && 'classes' in ready.shadow)
    try {
      requireOutputs(second.loaded, ready.shadow.classes);
    } catch (error) {
      pool.stopShadow(asPlainviewError(error));
    }
  return {
    network,
    engine: ready.report,
    suspicions: (ready.onnx?.suspicions ?? []).map((suspicion) => `${loaded.path}: ${suspicion}`),
    get shadow() {
      return second && { network: shadowNetwork, problem: second.problem ?? pool.shadowProblem };
    },
    orients: ready.orients,
    lastLayer,
    taps: ready.samples && tapsFor(ready.samples),
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
    async features(picture) {
      requireFrozen(loaded);
      return pool.features(picture);
    },
    close: (deadline) => pool.close(deadline),
  };
}

async function orientationOf({ classes }: Network): Promise<OrientationSetup> {
  const [head, model] = await Promise.all([readUprightHead(), readMirrorModel()]);
  const told = ({ categories }: { categories: readonly string[] }) =>
    classes.map((name) => categories.includes(name));
  return { head, told: told(head), mirror: { model, told: told(model) } };
}

interface LoadedShadow {
  loaded?: LoadedNetwork;
  problem?: PlainviewError;
}

/** @returns undefined where there is none, or it is the first network */
async function loadShadow(
  source: NetworkSource | undefined,
  first: Network,
): Promise<LoadedShadow | undefined> {
  if (source === undefined) return undefined;
  try {
    const loaded = await loadNetwork(source);
    if (loaded.next.size > 0)
      throw createError('network_mismatch', {
        problem: `${source.graph} is a cascade (its description has \`next\`), and a shadow is one network: name one of its networks`,
      });
    const { sha256, precision } = loaded.network;
    return sha256 === first.sha256 && precision === first.precision ? undefined : { loaded };
  } catch (error) {
    return { problem: asPlainviewError(error) };
  }
}
