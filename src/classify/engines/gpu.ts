import util from 'node:util';
import { createError } from '../../errors/errors.js';
import type { CreateEngine } from './engine.js';
import { createGraphModelEngine, type TensorFlow } from './graph-model.js';

const packageName: string = '@tensorflow/tfjs-node-gpu';

/** TensorFlow on an NVIDIA GPU. It never runs on the CPU instead: whoever asks for a GPU counts on its speed. */
export const createGpu: CreateEngine = async (chain) => {
  const tf = await load();
  if (!tf.backend().isUsingGpuDevice)
    throw unavailable('TensorFlow finds no NVIDIA GPU that it can use (driver, CUDA 11.2, cuDNN 8.1)');
  return createGraphModelEngine(tf, chain, { name: 'gpu', device: 'NVIDIA GPU (CUDA)', batch: 16 });
};

/** A GPU package that is not installed has no types either: this is the part of it that is used. */
type TensorFlowNode = TensorFlow & { backend(): { isUsingGpuDevice?: boolean } };

async function load(): Promise<TensorFlowNode> {
  restoreNode22();
  try {
    const { default: tf } = (await import(packageName)) as { default: TensorFlowNode };
    return tf;
  } catch (error) {
    throw unavailable(reasonOf(error as NodeJS.ErrnoException), error);
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND')
    return `${packageName} is not installed (npm drops it where its download of libtensorflow fails)`;
  if (code === 'ERR_DLOPEN_FAILED') return `a library that TensorFlow needs cannot be loaded: ${message}`;
  return `${packageName} is installed but not built: ${message.split('\n')[0]}`;
}

const unavailable = (why: string, cause?: unknown) =>
  createError('engine_unavailable', { engine: 'gpu', why }, cause);

/** The kernels of tfjs-node 4.22 call two functions that Node 23 took out of `util`. */
function restoreNode22(): void {
  const missing = { isArray: Array.isArray, isNullOrUndefined: (value: unknown) => value == null };
  for (const [name, implementation] of Object.entries(missing))
    if (!(name in util)) Object.assign(util, { [name]: implementation });
}
