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

/** Tests and benchmarks run this file from its source; nothing needs a build then. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './worker-from-source.mjs' : './worker.js',
  import.meta.url,
);

// onnxruntime reports to its makers on Linux unless told not to, and keeps a device id for it. A hospital's machine
// reports to nobody. Set here, in the main thread: a worker's `process.env` is a copy that C++ does not see.
process.env.ORT_DISABLE_TELEMETRY = '1';

export interface Job extends Request {
  readonly picture: Uint8Array<ArrayBuffer>;
  readonly resolve: (result: Classification | Explanation) => void;
  readonly reject: (error: Error) => void;
}

export type Ready = Extract<Reply, { kind: 'ready' }>;

/** A job, and what ends it should it never be answered. */
interface InWork extends Job {
  readonly deadline: NodeJS.Timeout;
}

/** One worker thread and the jobs that it has in work. */
export class Thread {
  /** Rejects where the thread cannot start. */
  readonly ready: Promise<Ready>;
  readonly #worker: Worker;
  readonly #jobs = new Map<JobId, InWork>();
  readonly #longestMs: number;
  readonly #onChange: () => void;
  #capacity = 0;
  #isAlive = true;

  /** @param onChange called when a job has ended, or the thread */
  constructor(setup: Setup, onChange: () => void) {
    this.#onChange = onChange;
    this.#longestMs = setup.timeoutMs;
    this.#worker = new Worker(workerFile, { workerData: setup });
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on('message', (reply: Reply) => {
        if (reply.kind === 'ready') {
          // On a CPU one picture after the other: a second would only take turns with the first. A GPU's next batch
          // is decoded while the last one is inferred.
          this.#capacity = reply.batch === 1 ? 1 : 2 * reply.batch;
          resolve(reply);
        } else if (reply.kind === 'unusable') {
          reject(received(reply.error));
          this.#end(received(reply.error));
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
    // A failure to start is told to whoever awaits `ready`; nobody has to.
    this.ready.catch(() => undefined);
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** How many more jobs it can take now. */
  get room(): number {
    return this.#isAlive ? this.#capacity - this.#jobs.size : 0;
  }

  /** The picture's memory moves to the thread where it can: the sender's view of it is empty then. */
  submit(job: Job): void {
    const { id, picture, explain } = job;
    const deadline = setTimeout(() => this.#hangs(job), this.#longestMs);
    this.#jobs.set(id, { ...job, deadline });
    const request = { id, picture, explain } satisfies Request;
    try {
      this.#worker.postMessage(request, [picture.buffer]);
    } catch (error) {
      // What belongs to native code (a Buffer of sharp's) or to Node's pool cannot move in newer Node.js: it is copied.
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
    else job?.reject(received(reply.error));
    this.#onChange();
  }

  /**
   * Native code that never returns cannot be stopped, only left: the thread is given up, and the picture with it –
   * it would take the next thread too. What else the thread had is not to blame.
   */
  #hangs(job: Job): void {
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

const received = ({ code, message, cause }: SerializedError) =>
  new PlainviewError(code, message, cause === undefined ? undefined : { cause: new Error(cause) });
