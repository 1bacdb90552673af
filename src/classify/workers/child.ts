import type { ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';
import { createError, PlainviewError } from '../../errors/errors.js';
import { type EarlyProcess, endProcess, startProcess } from './process.js';
import type {
  Classification,
  JobId,
  Reply,
  Request,
  Result,
  SerializedError,
  Setup,
  ToWorker,
} from './protocol.js';

export interface Job extends Omit<Request, 'bytes'> {
  readonly picture: Buffer;
  /** How many processes have ended during it. */
  readonly ends: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

export type Ready = Extract<Reply, { kind: 'ready' }>;

/** A job with the timer that ends it if the worker never answers. */
interface RunningJob extends Job {
  readonly deadline: NodeJS.Timeout;
  /** Its result, while the second network looks at the picture. */
  readonly scored?: Classification;
}

/** A process must be ready within so many times what its second network may take for a picture. Then it is started without. */
const startFactor = 6;

interface Listeners {
  /** A job or the process has ended. */
  onChange: () => void;
  /** The process ended during these jobs. Any of them can be the cause. */
  onLost: (jobs: readonly Job[], why: string) => void;
  /** The process ended while the second network looked at a picture. */
  onShadowEnded: () => void;
}

/**
 * One process that decodes and classifies, and its running jobs. A picture that crashes native code, or takes more memory
 * than the limit, ends only this process.
 */
export class Child {
  /** Rejects where the process cannot start. */
  readonly ready: Promise<Ready>;
  readonly #process: ChildProcess;
  /** Absent where too many files are open to start a process. Its `error` follows. */
  readonly #pictures: Writable | undefined;
  readonly #jobs = new Map<JobId, RunningJob>();
  readonly #longestMs: number;
  readonly #longestShadowMs: number;
  readonly #listeners: Listeners;
  #capacity = 0;
  #isAlive = true;

  /** @param early is taken where it fits */
  constructor(setup: Setup, listeners: Listeners, early?: EarlyProcess) {
    this.#listeners = listeners;
    this.#longestMs = setup.timeoutMs;
    this.#longestShadowMs = setup.shadow?.timeoutMs ?? 0;
    this.#process = early?.take(setup) ?? startProcess(setup);
    const { stdio } = this.#process as Partial<ChildProcess>;
    this.#pictures = stdio?.[4] as Writable | undefined;
    // A process that ends during a picture breaks this pipe. Its end is handled below.
    this.#pictures?.on('error', () => undefined);
    this.ready = new Promise((resolve, reject) => {
      const starting =
        setup.shadow &&
        setTimeout(
          () => ended('it was not ready in time with a second network'),
          startFactor * setup.shadow.timeoutMs,
        );
      this.#process.on('message', (reply: Reply) => {
        clearTimeout(starting);
        if (reply.kind === 'ready') {
          // On a CPU a second picture would only slow down the first. With a GPU, the next batch is decoded during
          // inference.
          this.#capacity = reply.batch === 1 ? 1 : 2 * reply.batch;
          resolve(reply);
        } else if (reply.kind === 'unusable') {
          reject(deserialize(reply.error));
          this.#end('it could not start');
        } else this.#settle(reply);
      });
      const ended = (why: string, cause?: unknown) => {
        clearTimeout(starting);
        reject(createError('classifier_unstartable', { why }, cause));
        this.#end(why);
      };
      this.#process.on('error', (error) => ended(error.message, error));
      this.#process.on('exit', (code, signal) => ended(signal ?? `status ${code}`));
    });
    // Nobody has to await `ready`, so its rejection must not count as unhandled.
    this.ready.catch(() => undefined);
    this.#send({ kind: 'setup', setup });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Number of jobs that the process can take now. */
  get freeSlots(): number {
    const isSuspected = [...this.#jobs.values()].some(({ ends }) => ends > 0);
    return this.#isAlive && !isSuspected ? this.#capacity - this.#jobs.size : 0;
  }

  get isIdle(): boolean {
    return this.freeSlots > 0 && this.#jobs.size === 0;
  }

  submit(job: Job): void {
    const { id, picture, wanted, shadow } = job;
    const deadline = setTimeout(() => this.#giveUp(id), this.#longestMs);
    this.#jobs.set(id, { ...job, deadline });
    this.#send({ kind: 'request', request: { id, bytes: picture.length, wanted, shadow } });
    this.#pictures?.write(picture);
  }

  async close(): Promise<void> {
    if (!this.#isAlive) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#end('closed');
    // One that could not be started has no end.
    if (this.#process.pid !== undefined) await ended;
  }

  #send(message: ToWorker): void {
    // A process that has just ended refuses it. Its end is handled by its own event.
    if (!this.#process.connected) return;
    try {
      this.#process.send(message, () => undefined);
    } catch (error) {
      // There is no memory for a copy of it.
      this.#process.emit('error', error);
    }
  }

  #settle(reply: Extract<Reply, { kind: 'scored' | 'done' | 'failed' }>): void {
    const job = this.#jobs.get(reply.id);
    clearTimeout(job?.deadline);
    if (reply.kind === 'scored') {
      if (job === undefined) return;
      const deadline = setTimeout(() => this.#giveUp(reply.id), this.#longestShadowMs);
      this.#jobs.set(reply.id, { ...job, scored: reply.result, deadline });
      return;
    }
    this.#jobs.delete(reply.id);
    if (reply.kind === 'done') job?.resolve(reply.result);
    else job?.reject(deserialize(reply.error));
    this.#listeners.onChange();
  }

  /** Native code that hangs cannot be stopped, so the process is ended. The picture would hang the next one too. */
  #giveUp(id: JobId): void {
    const job = this.#jobs.get(id);
    this.#jobs.delete(id);
    if (job?.scored !== undefined) {
      job.resolve(
        withoutShadow(job.scored, createError('shadow_slow', { seconds: this.#longestShadowMs / 1000 })),
      );
      this.#listeners.onShadowEnded();
    } else job?.reject(createError('classifier_hung', { seconds: this.#longestMs / 1000 }));
    this.#end('it did not finish another picture');
  }

  #end(why: string): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    const running = [...this.#jobs.values()];
    for (const { deadline } of running) clearTimeout(deadline);
    this.#jobs.clear();
    endProcess(this.#process);
    const lost = running.filter(({ scored }) => scored === undefined);
    for (const { scored, resolve } of running)
      if (scored !== undefined) resolve(withoutShadow(scored, createError('shadow_ended', { why })));
    if (lost.length < running.length) this.#listeners.onShadowEnded();
    if (lost.length > 0) this.#listeners.onLost(lost, why);
    this.#listeners.onChange();
  }
}

/** The result of a picture to which the second network gives no answer. */
export const withoutShadow = (result: Classification, { code, message }: PlainviewError): Classification => ({
  ...result,
  shadow: { error: { code, message, cause: undefined } },
});

export const deserialize = ({ code, message, params, cause }: SerializedError) =>
  new PlainviewError(code, message, { params, ...(cause === undefined ? {} : { cause: new Error(cause) }) });
