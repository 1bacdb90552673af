import { createError, detailOf, type ErrorDetail, PlainviewError } from '../../errors/errors.js';
import type { Chain } from '../graph/chain.js';
import { type PictureRange, requireMeasured } from '../graph/quantise.js';
import type { Step } from '../graph/steps.js';
import { type CreateEngine, type Engine, type EngineChoice, type EngineName, enginesOf } from './engine.js';
import { type KnownAnswer, selfTest } from './self-test.js';

/** The libraries of an engine are loaded only when it is tried. Loading all of them would double the start time. */
export const creators: Readonly<Record<EngineName, CreateEngine>> = {
  cuda: async (chain) => (await import('./onnxruntime.js')).createCuda(chain),
  'tfjs-gpu': async (chain) => (await import('./tfjs-gpu.js')).createTfjsGpu(chain),
  onnxruntime: async (chain) => (await import('./onnxruntime.js')).createOnnxruntime(chain),
  wasm: async (chain) => (await import('./wasm.js')).createWasm(chain),
};

/** A better engine that cannot run here, and why. */
export interface Declined {
  engine: EngineName;
  reason: string;
  /** The error that the reason is the message of. */
  failure?: ErrorDetail;
}

/**
 * Starts and tests an engine: the chosen one, or of those that `auto` and `gpu` stand for the best one that works here.
 * @param known for the self-test
 * @throws engine_unavailable, engine_wrong; no_engine where none of several works
 */
export async function chooseEngine(
  choice: EngineChoice,
  chain: Chain,
  steps: readonly Step[],
  known?: KnownAnswer,
): Promise<{ engine: Engine; declined: Declined[] }> {
  const start = async (name: EngineName) => {
    const engine = await creators[name](chain);
    await selfTest(engine, steps, chain, undefined, known);
    return engine;
  };
  const names = enginesOf(choice);
  const [only] = names;
  if (only !== undefined && names.length === 1) return { engine: await start(only), declined: [] };
  const declined: Declined[] = [];
  for (const name of names) {
    try {
      return { engine: await start(name), declined };
    } catch (error) {
      const failure = error instanceof PlainviewError ? detailOf(error) : undefined;
      declined.push({
        engine: name,
        reason: failure?.message ?? String(error),
        ...(failure === undefined ? {} : { failure }),
      });
    }
  }
  throw createError('no_engine', { reasons: declined.map(({ reason }) => reason) });
}

/**
 * Starts and tests the one engine that computes in int8.
 * @param range of prepared pictures
 * @throws int8_unavailable where the choice is another engine, or the network is not known to keep its accuracy; engine_wrong
 */
export async function startInt8(
  choice: EngineChoice,
  chain: Chain,
  steps: readonly Step[],
  range: PictureRange,
): Promise<{ engine: Engine; declined: Declined[] }> {
  if (!enginesOf(choice).includes('onnxruntime'))
    throw createError('int8_unavailable', {
      why: `only onnxruntime on the CPU has it, and the engine is ${choice}: choose float32, or the engine onnxruntime or auto (PLAINVIEW_ENGINE, --engine)`,
    });
  requireMeasured(chain);
  const engine = await (await import('./onnxruntime.js')).createInt8(chain, range);
  await selfTest(engine, steps, chain, range);
  return { engine, declined: [] };
}
