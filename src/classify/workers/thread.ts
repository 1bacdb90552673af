import { Worker } from 'node:worker_threads';
import { createError, PlainviewError } from '../../errors/errors.js';
import type {
  Classification,
  Explanation,
  JobId,
  Reply,
  Request,
  SerializedError,
  Setup,
} from './protocol.js';

/** Tests and benchmarks run the worker from its source, without a build. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './worker-from-source.mjs' : './worker.js',
  import.meta.url,
);

// On Linux, onnxruntime sends telemetry with a device id by default. A hospital's machine must not do that.
// This must be set in the main thread: a worker's `process.env` is a copy that C++ does not see.
process.env.ORT_DISABLE_TELEMETRY = '1';

export interface Job extends Request {
  readonly picture: Uint8Array<ArrayBuffer>;
  readonly resolve: (result: Classification | Explanation) => void;
  readonly reject: (error: Error) => void;
}

export type Ready = Extract<Reply, { kind: 'ready' }>;

/** A job with the timer that ends it if the worker never answers. */
interface RunningJob extends Job {
  readonly deadline: NodeJS.Timeout;
}

/** One worker thread and its running jobs. */
export class Thread {
  /** Rejects where the thread cannot start. */
  readonly ready: Promise<Ready>;
  readonly #worker: Worker;
  readonly #jobs = new Map<JobId, RunningJob>();
  readonly #longestMs: number;
  readonly #onChange: () => void;
  #capacity = 0;
  #isAlive = true;

  /** @param onChange called when a job or the thread has ended */
  constructor(setup: Setup, onChange: () => void) {
    this.#onChange = onChange;
    this.#longestMs = setup.timeoutMs;
    this.#worker = new Worker(workerFile, { workerData: setup });
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on('message', (reply: Reply) => {
        if (reply.kind === 'ready') {
          // On a CPU a second picture would only slow down the first. With a GPU, the next batch is decoded during
          // inference.
          this.#capacity = reply.batch === 1 ? 1 : 2 * reply.batch;
          resolve(reply);
        } else if (reply.kind === 'unusable') {
          reject(deserialize(reply.error));
          this.#end(deserialize(reply.error));
        } else this.#settle(reply);
      });
      const crashed = (why: string, cause?: unknown) => {
        const error = createError('classifier_crashed', { why }, cause);
        reject(error);
        this.#end(error);
      };
      this.#worker.on('error', (error) => crashed(error.message, error));
      this.#worker.on('exit', (code) => crashed(`it ended with status ${code}`));
    });
    // Nobody has to await `ready`, so its rejection must not count as unhandled.
    this.ready.catch(() => undefined);
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Number of jobs that the thread can take now. */
  get freeSlots(): number {
    return this.#isAlive ? this.#capacity - this.#jobs.size : 0;
  }

  /** Moves the picture's memory to the thread where that is possible. Then the sender's buffer is empty. */
  submit(job: Job): void {
    const { id, picture, explain } = job;
    const deadline = setTimeout(() => this.#giveUp(job), this.#longestMs);
    this.#jobs.set(id, { ...job, deadline });
    const request = { id, picture, explain } satisfies Request;
    try {
      this.#worker.postMessage(request, [picture.buffer]);
    } catch (error) {
      // In newer Node.js, memory of native code (sharp) or of Node's pool cannot move, so it is copied.
      if (!(error instanceof DOMException) || error.name !== 'DataCloneError') throw error;
      this.#worker.postMessage(request);
    }
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(reply: Extract<Reply, { kind: 'done' | 'failed' }>): void {
    const job = this.#jobs.get(reply.id);
    clearTimeout(job?.deadline);
    this.#jobs.delete(reply.id);
    if (reply.kind === 'done') job?.resolve(reply.result);
    else job?.reject(deserialize(reply.error));
    this.#onChange();
  }

  /**
   * Native code that hangs cannot be stopped, so the thread is given up. The picture fails for good, because it would
   * hang the next thread too. The thread's other jobs fail with a transient error.
   */
  #giveUp(job: Job): void {
    job.reject(createError('classifier_hung', { seconds: this.#longestMs / 1000 }));
    this.#end(createError('classifier_crashed', { why: 'it did not finish another picture' }));
  }

  #end(error: Error): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    for (const job of this.#jobs.values()) {
      clearTimeout(job.deadline);
      job.reject(error);
    }
    this.#jobs.clear();
    void this.#worker.terminate();
    this.#onChange();
  }
}

const deserialize = ({ code, message, cause }: SerializedError) =>
  new PlainviewError(code, message, cause === undefined ? undefined : { cause: new Error(cause) });
