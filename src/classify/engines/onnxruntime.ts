import type { InferenceSession } from 'onnxruntime-node';
import { createError } from '../../errors/errors.js';
import type { Chain } from '../graph/chain.js';
import { type OnnxGraph, toInt8Onnx, toOnnx } from '../graph/onnx.js';
import { featureMapsName, inputName, scoresName } from '../graph/ports.js';
import type { PictureRange } from '../graph/quantise.js';
import { whyNotInstalled, whyNotLoaded } from './cuda-libraries.js';
import { type CreateEngine, countOf, type Engine, type EngineName } from './engine.js';

/** Where onnxruntime computes. */
export type OnnxruntimeEngine = Extract<EngineName, 'cuda' | 'onnxruntime'>;

const common = {
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
} as const satisfies InferenceSession.SessionOptions;

interface Device extends Pick<Engine, 'device' | 'batch'> {
  readonly options: InferenceSession.SessionOptions;
}
const devices: Readonly<Record<OnnxruntimeEngine, Device>> = {
  // One thread: more workers scale better than more threads within one.
  onnxruntime: {
    device: 'CPU, one thread',
    batch: 1,
    options: { ...common, intraOpNumThreads: 1, interOpNumThreads: 1 },
  },
  cuda: {
    device: 'NVIDIA GPU (CUDA)',
    batch: 32,
    options: {
      ...common,
      executionProviders: ['cuda'],
      // Else onnxruntime computes on the CPU, in silence, what the GPU cannot.
      extra: { session: { disable_cpu_ep_fallback: '1' } },
    },
  },
};

/**
 * @param graph is not made where the engine is not there
 * @throws engine_unavailable; what onnxruntime throws where it cannot run the file
 */
export async function createSession(name: OnnxruntimeEngine, graph: () => OnnxGraph) {
  const { options, ...about } = devices[name];
  const ort = await import('onnxruntime-node').catch((error: Error) => {
    const why = `onnxruntime-node cannot be loaded: run \`npm install onnxruntime-node\` in Plainview's folder (${error.message.split('\n')[0]})`;
    throw createError('engine_unavailable', { engine: name, why }, error);
  });
  if (name === 'cuda') {
    const absent = whyNotInstalled();
    if (absent !== undefined) throw createError('engine_unavailable', { engine: name, why: absent });
    // What fails is told once, by the error.
    ort.env.logLevel = 'fatal';
  }
  const { file, weights } = graph();
  const all = { ...options, externalData: weights };
  const session = await ort.InferenceSession.create(file, all).catch((error: Error) => {
    if (name === 'onnxruntime') throw error;
    const answer = `CUDA answers: ${error.message.split('\n')[0]?.replace(/[. ]+$/, '')}`;
    throw createError('engine_unavailable', { engine: name, why: whyNotLoaded() ?? answer }, error);
  });
  return { ort, session, about: { name, ...about } };
}

async function create(name: OnnxruntimeEngine, graph: () => OnnxGraph): Promise<Engine> {
  const { ort, session, about } = await createSession(name, graph);
  return {
    ...about,
    async infer(pictures, size) {
      const shape = [countOf(pictures, size), size.height, size.width, 3];
      const results = await session.run({ [inputName]: new ort.Tensor('float32', pictures, shape) });
      const [scores, featureMaps] = [results[scoresName]?.data, results[featureMapsName]?.data];
      if (!(scores instanceof Float32Array && featureMaps instanceof Float32Array))
        throw new TypeError('onnxruntime gave no float32 output');
      return { scores, featureMaps };
    },
    close: () => session.release(),
  };
}

export const createOnnxruntime: CreateEngine = (chain) => create('onnxruntime', () => toOnnx(chain));

/** On the CPU. @throws int8_unavailable where the network has convolutions without relu6 */
export async function createInt8(chain: Chain, range: PictureRange): Promise<Engine> {
  const engine = await create('onnxruntime', () => toInt8Onnx(chain, range));
  return { ...engine, device: `${engine.device}, int8` };
}

/** It never falls back to the CPU, because users of a GPU rely on its speed. */
export const createCuda: CreateEngine = (chain) => create('cuda', () => toOnnx(chain));
