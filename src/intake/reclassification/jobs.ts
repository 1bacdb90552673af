import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { z } from 'zod';
import { sleep } from '../../async/sleep.js';
import {
  type ReclassificationProgress,
  type ReclassificationRequest,
  reclassificationRequest,
} from '../../contract/reclassification.js';
import { recordOf } from '../../decisions/read.js';
import { metadataNames, type ReclassifyRequest } from '../../decisions/schema.js';
import { asPlainviewError, createError } from '../../errors/errors.js';
import { ifAbsent } from '../../orthanc/errors.js';
import type { InstanceId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { InstanceContent } from '../../orthanc/resources.js';
import { retryWhileAway } from '../../orthanc/retry-while-away.js';
import type { Queue } from '../../queue/queue.js';
import { select } from '../../select/select.js';
import { StateFile } from '../../store/state-file.js';
import { Watermark } from '../watermark.js';

interface ReclassificationJob {
  progress: ReclassificationProgress;
  cancelled: AbortController;
  open: Set<InstanceId>;
  done: Promise<void>;
}

interface Parts {
  orthanc: Orthanc;
  queue: Queue;
  modalities: readonly string[];
  stateDir: string;
  log: Logger;
}

/** Instances asked for and not answered yet, at most: a request for millions must not cost memory. */
const mostOpen = 200;
const mostRemembered = 50;

/**
 * Requests for many instances. Each becomes the same request in the metadata of each instance as a button writes it,
 * so what has been asked is answered whatever happens to the service; a restart goes on asking.
 */
export class ReclassificationJobs {
  readonly #parts: Parts;
  readonly #file: StateFile<z.ZodArray<typeof reclassificationRequest>>;
  readonly #jobs = new Map<string, ReclassificationJob>();
  /** What a stop interrupted, until it is gone on with: a list that is saved before then holds it too. */
  #left: readonly ReclassificationRequest[];
  readonly #stop = new AbortController();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#file = new StateFile(parts.stateDir, 'requests.json', z.array(reclassificationRequest));
    this.#left = this.#file.read() ?? [];
  }

  list(): ReclassificationProgress[] {
    return [...this.#jobs.values()].map(({ progress }) => progress).reverse();
  }

  /** @throws request_unknown */
  get(id: string): ReclassificationProgress {
    const run = this.#jobs.get(id);
    if (run === undefined) throw createError('request_unknown', {});
    return run.progress;
  }

  /** Begins to ask, once it is kept that this is asked. @throws state_unusable: nothing is asked then */
  async begin(
    asked: Omit<ReclassificationRequest, 'id' | 'when'>,
    dryRun: boolean,
  ): Promise<ReclassificationProgress> {
    const run = this.#admit({ ...asked, id: randomUUID(), when: new Date().toISOString() }, dryRun);
    try {
      await this.#save();
    } catch (error) {
      this.#jobs.delete(run.progress.id);
      throw error;
    }
    this.#begin(run);
    return run.progress;
  }

  /** Asks no further, and withdraws what has not been taken up yet. @throws request_unknown */
  async cancel(id: string): Promise<ReclassificationProgress> {
    const progress = this.get(id);
    const run = this.#jobs.get(id);
    if (run === undefined || !['running', 'cancelled'].includes(progress.state)) return progress;
    run.cancelled.abort();
    await run.done;
    // Orthanc may go away in the middle: what has not been withdrawn then is, when it is cancelled again.
    for (const instance of run.open) {
      await this.#parts.orthanc.metadata.delete(`instances/${instance}`, metadataNames.request);
      run.open.delete(instance);
    }
    return progress;
  }

  /** Orthanc answers: at the start, what a stop interrupted goes on. Later, a job waits for Orthanc by itself. */
  resume(): void {
    for (const left of this.#left) this.#begin(this.#admit(left, false));
    this.#left = [];
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#jobs.values()].map(({ done }) => done));
  }

  #admit(asked: ReclassificationRequest, dryRun: boolean): ReclassificationJob {
    const progress: ReclassificationProgress = {
      ...asked,
      state: 'running',
      dryRun,
      asked: 0,
      answered: 0,
      rate: 0,
    };
    const run: ReclassificationJob = {
      progress,
      cancelled: new AbortController(),
      open: new Set(),
      done: Promise.resolve(),
    };
    this.#jobs.set(asked.id, run);
    for (const [id, { progress: known }] of this.#jobs)
      if (this.#jobs.size > mostRemembered && known.state !== 'running') this.#jobs.delete(id);
    return run;
  }

  #begin(run: ReclassificationJob): void {
    const { progress } = run;
    run.done = this.#run(run).catch((caught: unknown) => {
      const error = asPlainviewError(caught);
      progress.state = 'failed';
      progress.problem = error.message;
      // What no waiting mends is the request's own fault.
      const level = error.transient ? 'error' : 'warn';
      this.#parts.log[level]({ err: error, request: progress.id }, 'a request broke off');
    });
    void run.done
      .then(() => this.#save())
      .catch((error: unknown) =>
        this.#parts.log.error({ err: error }, 'the list of requests could not be saved'),
      );
  }

  async #run(run: ReclassificationJob): Promise<void> {
    const { progress } = run;
    const signal = AbortSignal.any([this.#stop.signal, run.cancelled.signal]);
    const watermark = new Watermark(0, mostOpen);
    const began = performance.now();
    const whileAway = <T>(step: () => Promise<T>) => retryWhileAway(step, this.#parts, signal);
    for await (const page of select(
      this.#parts.orthanc,
      progress.selection,
      this.#parts.modalities,
      whileAway,
    )) {
      for (const instance of page) {
        if (signal.aborted) break;
        progress.asked++;
        if (progress.dryRun) continue;
        if (recordOf(instance)?.record.requested?.when === progress.when) {
          progress.answered++; // before a restart
          continue;
        }
        await whileAway(() => this.#ask(run, instance, watermark, began));
        await watermark.room(signal);
      }
    }
    while (watermark.jobs > 0 && !signal.aborted) await sleep(50, signal);
    if (run.cancelled.signal.aborted) progress.state = 'cancelled';
    else if (!this.#stop.signal.aborted) progress.state = 'done';
  }

  /** Whatever has been deleted since it was found is left out. */
  async #ask(
    { progress, open }: ReclassificationJob,
    { ID }: InstanceContent,
    watermark: Watermark,
    began: number,
  ): Promise<void> {
    const { who, when, includingCorrected } = progress;
    const request: ReclassifyRequest = { who, when, includingCorrected };
    const isThere = await this.#parts.orthanc.metadata
      .put(`instances/${ID}`, metadataNames.request, JSON.stringify(request))
      .then(() => true)
      .catch(ifAbsent(false));
    if (!isThere) return void progress.answered++;
    open.add(ID);
    const settled = watermark.open(1);
    this.#parts.queue.enqueue(ID, 'request', {
      settled: () => {
        settled();
        open.delete(ID);
        progress.answered++;
        progress.rate = Math.round((progress.answered * 10_000) / (performance.now() - began)) / 10;
      },
    });
  }

  /** Only what is still to be asked; what has been asked stands in Orthanc. */
  async #save(): Promise<void> {
    const left = [...this.#jobs.values()].filter(
      ({ progress }) => progress.state === 'running' && !progress.dryRun,
    );
    await this.#file.write([...this.#left, ...left.map(({ progress }) => progress)]);
  }
}
