import { existsSync } from 'node:fs';
import util from 'node:util';
import { createError } from '../../errors/errors.js';
import type { CreateEngine } from './engine.js';
import { createGraphModelEngine, type TensorFlow } from './graph-model.js';

const packageName: string = '@tensorflow/tfjs-node-gpu';

/** TensorFlow on an NVIDIA GPU. It never falls back to the CPU, because users of a GPU rely on its speed. */
export const createTfjsGpu: CreateEngine = async (chain) => {
  // TensorFlow.js takes half of the time of a start to load, to find out the same.
  if (process.platform === 'linux' && !gpuDevices.some((device) => existsSync(device)))
    throw unavailable(
      `no NVIDIA GPU can be used here, because neither ${gpuDevices.join(' nor ')} is there (is its driver loaded, and is the GPU given to the container?)`,
    );
  const tf = await load();
  if (!tf.backend().isUsingGpuDevice)
    throw unavailable('TensorFlow finds no NVIDIA GPU that it can use (driver, CUDA 11.2, cuDNN 8.1)');
  return createGraphModelEngine(tf, chain, { name: 'tfjs-gpu', device: 'NVIDIA GPU (CUDA)', batch: 16 });
};

/** Of NVIDIA's driver: on Linux, and on Linux in Windows. */
const gpuDevices = ['/dev/nvidiactl', '/dev/dxg'];

/** The optional GPU package may be absent, and its types too. This is the part of it that Plainview uses. */
type TensorFlowNode = TensorFlow & { backend(): { isUsingGpuDevice?: boolean } };

async function load(): Promise<TensorFlowNode> {
  restoreRemovedUtil();
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
  createError('engine_unavailable', { engine: 'tfjs-gpu', why }, cause);

/** tfjs-node 4.22 calls two functions of `util` that Node.js 23 removed. */
function restoreRemovedUtil(): void {
  const missing = { isArray: Array.isArray, isNullOrUndefined: (value: unknown) => value == null };
  for (const [name, implementation] of Object.entries(missing))
    if (!(name in util)) Object.assign(util, { [name]: implementation });
}
