import { createError } from '../../errors/errors.js';
import { featureMapsName, inputName, scoresName, toOnnx } from '../graph/onnx.js';
import { type CreateEngine, countOf } from './engine.js';

/** onnxruntime on one CPU thread. More workers scale better than more threads within one. */
export const createOnnxruntime: CreateEngine = async (chain) => {
  const ort = await import('onnxruntime-node').catch((error: Error) => {
    throw createError('engine_unavailable', { engine: 'onnxruntime', why: error.message }, error);
  });
  const session = await ort.InferenceSession.create(toOnnx(chain), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  });
  return {
    name: 'onnxruntime',
    device: 'CPU, one thread',
    batch: 1,
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
};
