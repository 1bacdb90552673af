import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createError } from '../../errors/errors.js';
import { cudaEnvironment } from '../engines/cuda-libraries.js';
import { enginesOf, isGpu } from '../engines/engine.js';
import type { Setup } from './protocol.js';

/** Tests and benchmarks run the worker from its source, without a build. */
const workerFile = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './worker-from-source.mjs' : './worker.js', import.meta.url),
);

/**
 * glibc then gives memory of pictures and weights back to the system as soon as it is free. By default it keeps it once some has
 * been freed, and a process grows to twice the size. New memory comes in large pages, which halves what that costs.
 */
const memoryEnvironment = {
  MALLOC_MMAP_THRESHOLD_: String(128 * 1024),
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
};

/** What the start leaves is freed once, and V8 keeps 1 MB for new objects instead of 16. Pictures and weights lie elsewhere. */
const memoryFlags = ['--expose-gc', '--max-semi-space-size=1'];

/** What a process must be told before it starts. */
export type Limits = Pick<Setup, 'engine' | 'memoryBytes'>;

/** Modules that a process can load before it has its setup, while its parent reads the configuration and the network. */
export type Ahead = 'onnxruntime' | 'bitmap';

/** @throws classifier_unstartable where there is no memory for it; what else it lacks, its event `error` tells */
export function startProcess(limits: Limits, ahead: readonly Ahead[] = []): ChildProcess {
  try {
    return spawnWorker(limits, ahead);
  } catch (error) {
    throw createError('classifier_unstartable', { why: (error as Error).message }, error);
  }
}

function spawnWorker(limits: Limits, ahead: readonly Ahead[]): ChildProcess {
  const [command, ...args] = commandFor(limits);
  return spawn(command, [...args, ...ahead], {
    // The log is on standard output. What native code writes when it crashes is on standard error.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc', 'pipe'],
    serialization: 'advanced',
    // On Linux, onnxruntime sends telemetry with a device id by default. A hospital's machine must not do that.
    env: {
      ...memoryEnvironment,
      ...process.env,
      ...cudaEnvironment(),
      ORT_DISABLE_TELEMETRY: '1',
      // Node.js would read these certificates at its start, for 0.1 s, and the process connects to nothing.
      NODE_EXTRA_CA_CERTS: undefined,
    },
  });
}

/** One that could not be started has no number. Until its `error`, Node.js would send the signal to the group of this process. */
export function endProcess(child: ChildProcess): void {
  if (child.pid !== undefined) child.kill('SIGKILL');
}

/**
 * On Linux the kernel refuses the process more private memory than the limit (RLIMIT_DATA). Limits on the address space
 * are of no use: V8 and WebAssembly reserve much more than they use. CUDA needs more too, so a GPU has no limit.
 */
function commandFor(limits: Limits): [string, ...string[]] {
  const node: [string, ...string[]] = [process.execPath, ...memoryFlags, workerFile];
  const kilobytes = memoryLimit(limits);
  return kilobytes === undefined
    ? node
    : ['/bin/sh', '-c', 'ulimit -d "$0"; exec "$@"', String(kilobytes), ...node];
}

function memoryLimit({ engine, memoryBytes }: Limits): number | undefined {
  const isLimited =
    process.platform === 'linux' && !enginesOf(engine).every(isGpu) && !existsSync('/dev/nvidiactl');
  return isLimited ? Math.ceil(memoryBytes / 1024) : undefined;
}

/** A process that starts before it is known what it runs. */
export class EarlyProcess {
  readonly #limits: Limits;
  #process: ChildProcess | undefined;

  /** @param limits as far as they are known yet: for others, the process is of no use */
  constructor(limits: Limits, ahead: readonly Ahead[]) {
    this.#limits = limits;
    this.#process = startProcess(limits, ahead);
    // Where it cannot start, nobody takes it, and the next one has the same error.
    this.#process.on('error', () => undefined);
  }

  /** @returns undefined where it has other limits, was taken before, or has ended */
  take(limits: Limits): ChildProcess | undefined {
    const early = this.#process;
    const isRunning = early?.pid !== undefined && early.exitCode === null && early.signalCode === null;
    if (!isRunning || memoryLimit(limits) !== memoryLimit(this.#limits)) return undefined;
    this.#process = undefined;
    return early;
  }

  /** Ends it where nobody took it. */
  end(): void {
    if (this.#process !== undefined) endProcess(this.#process);
  }
}
