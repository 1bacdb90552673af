import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { loadGraphModelSync } from '@tensorflow/tfjs-converter';
import * as core from '@tensorflow/tfjs-core';
import type { CreateEngine } from './engine.js';
import { createGraphModelEngine } from './graph-model.js';

/** TensorFlow.js on WebAssembly. It is four times slower than onnxruntime, and needs only Node.js. */
export const createWasm: CreateEngine = async (chain) => {
  await startWasm();
  return createGraphModelEngine({ ...core, loadGraphModelSync }, chain, {
    name: 'wasm',
    device: 'CPU, one thread (WebAssembly)',
    batch: 1,
  });
};

/** TensorFlow.js of this thread, on WebAssembly. */
export async function startWasm(): Promise<typeof core> {
  const packageFolder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
  setWasmPaths(packageFolder + sep);
  setThreadsCount(1);
  await core.setBackend('wasm');
  return core;
}
