import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { shipped } from '../../files/places.js';

/** Where `scripts/fetch-cuda.sh` puts NVIDIA's libraries. */
const librariesFolder = shipped('cuda');

/**
 * What a process needs in its environment before it starts, so that CUDA finds its libraries and computes in float32: by
 * default it rounds the inputs of convolutions to TF32, which has 10 bits of mantissa.
 */
export const cudaEnvironment = (): Record<string, string> => ({
  NVIDIA_TF32_OVERRIDE: '0',
  ...(existsSync(librariesFolder)
    ? {
        LD_LIBRARY_PATH: [librariesFolder, process.env.LD_LIBRARY_PATH]
          .filter((folder) => folder)
          .join(delimiter),
      }
    : {}),
});

const names = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];

const files = (): string[] => {
  const main = createRequire(import.meta.url).resolve('onnxruntime-node');
  const folder = join(dirname(main), '..', 'bin', 'napi-v6', process.platform, process.arch);
  return names.map((name) => join(folder, name));
};

/** @returns undefined where onnxruntime's files for CUDA are there */
export function whyNotInstalled(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return 'onnxruntime-node has CUDA on Linux with an x86-64 processor only';
  return files().every((file) => existsSync(file))
    ? undefined
    : "onnxruntime's files for CUDA are not installed: run scripts/fetch-cuda.sh";
}

/**
 * onnxruntime only says that it could not load a library. To be called after it has tried: loaded before that, a library of
 * it would not find what onnxruntime gives it.
 * @returns undefined where all libraries can be loaded
 */
export function whyNotLoaded(): string | undefined {
  for (const file of files()) {
    const missing = missingLibrary(file);
    if (missing === 'libcuda.so.1') return 'this machine has no NVIDIA driver: libcuda.so.1 is missing';
    if (missing !== undefined)
      return `${missing} is missing: run scripts/fetch-cuda.sh, or install the CUDA and cuDNN that ${file} needs`;
  }
  return undefined;
}

/** @returns the first library that the loader does not find for a file */
function missingLibrary(file: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, file, constants.dlopen.RTLD_LAZY);
  } catch (error) {
    // A library that is no module of Node.js was loaded all the same.
    return /^(\S+): cannot open shared object file/.exec((error as Error).message)?.[1];
  }
  return undefined;
}
