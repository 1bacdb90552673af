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
import type { Recorder } from '../../decisions/recorder.js';
import type { RequestSeal } from '../../decisions/request-seal.js';
import type { RequestWriter } from '../../decisions/request-writer.js';
import { hasOtherVersion } from '../../decisions/versions.js';
import { asPlainviewError, createError, detailOf } from '../../errors/errors.js';
import type { InstanceId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { InstanceContent } from '../../orthanc/resources.js';
import { retryWhileAway } from '../../orthanc/retry-while-away.js';
import type { Queue } from '../../queue/queue.js';
import { select } from '../../select/select.js';
import type { Store } from '../../store/store.js';
import { Watermark } from '../watermark.js';

interface ReclassificationJob {
  progress: ReclassificationProgress;
  cancelled: AbortController;
  /** The requests that are not answered yet, as they were written. */
  open: Map<InstanceId, string>;
  /** Instances that people decided since the job was asked for. */
  corrected: Set<InstanceId>;
  /** Whether it was asked for before a restart. Only the clock then tells what people decided since. */
  isResumed: boolean;
  /** Resolves after it has ended and is no longer saved. It never rejects. */
  done: Promise<void>;
}

interface Parts {
  orthanc: Orthanc;
  queue: Queue;
  recorder: Pick<Recorder, 'events'>;
  modalities: readonly string[];
  store: Store;
  seal: RequestSeal;
  requests: RequestWriter;
  log: Logger;
}

const document = 'requests';
const savedJobs = z.array(reclassificationRequest);

/** Limits the instances whose request is not answered yet, so that a large job does not fill the memory. */
const maxOpen = 200;
const maxListed = 50;

/**
 * Reclassifies many instances. A job writes a request into the metadata of each instance, as the button in Orthanc's
 * pages does. So no request is lost if the service is killed. After a restart, a job goes on.
 */
export class ReclassificationJobs {
  readonly #parts: Parts;
  readonly #jobs = new Map<string, ReclassificationJob>();
  /** Jobs that a stop interrupted and that have not been resumed. A list that is saved before then holds them too. */
  #interrupted: readonly ReclassificationRequest[];
  readonly #stop = new AbortController();

  /** @throws state_damaged: people's requests must not be lost without a word; state_unusable */
  static async open(parts: Parts): Promise<ReclassificationJobs> {
    return new ReclassificationJobs(parts, (await parts.store.read(document, savedJobs)) ?? []);
  }

  private constructor(parts: Parts, interrupted: readonly ReclassificationRequest[]) {
    this.#parts = parts;
    this.#interrupted = interrupted;
    parts.recorder.events.on('recorded', ({ instance, record }) => {
      if (record.who !== 'person') return;
      for (const { progress, corrected } of this.#jobs.values())
        if (progress.state === 'running') corrected.add(instance);
    });
  }

  list(): ReclassificationProgress[] {
    return [...this.#jobs.values()].map(({ progress }) => progress).reverse();
  }

  /** @param id of a reclassification job @throws request_unknown */
  get(id: string): ReclassificationProgress {
    const job = this.#jobs.get(id);
    if (job === undefined) throw createError('request_unknown', {});
    return job.progress;
  }

  /** Saves a job and begins it. @throws state_unusable: the job is not begun then */
  async begin(
    request: Omit<ReclassificationRequest, 'id' | 'when'>,
    dryRun: boolean,
  ): Promise<ReclassificationProgress> {
    const job = this.#register({ ...request, id: randomUUID(), when: new Date().toISOString() }, { dryRun });
    try {
      await this.#save();
    } catch (error) {
      this.#jobs.delete(job.progress.id);
      throw error;
    }
    this.#begin(job);
    return job.progress;
  }

  /** Stops a job, and deletes its requests that are not answered yet. @throws request_unknown, orthanc_… */
  async cancel(id: string): Promise<ReclassificationProgress> {
    const progress = this.get(id);
    const job = this.#jobs.get(id);
    if (job === undefined || !['running', 'cancelled'].includes(progress.state)) return progress;
    job.cancelled.abort();
    await job.done;
    // If Orthanc goes away here, a second cancellation deletes the rest.
    for (const [instance, request] of job.open) {
      await this.#parts.requests.withdraw(instance, request);
      job.open.delete(instance);
    }
    return progress;
  }

  /** At the first call, resumes the jobs that a stop interrupted. Running jobs wait for Orthanc themselves. */
  resume(): void {
    for (const request of this.#interrupted)
      this.#begin(this.#register(request, { dryRun: false, isResumed: true }));
    this.#interrupted = [];
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#jobs.values()].map(({ done }) => done));
  }

  #register(
    request: ReclassificationRequest,
    { dryRun, isResumed = false }: { dryRun: boolean; isResumed?: boolean },
  ): ReclassificationJob {
    const progress: ReclassificationProgress = {
      ...request,
      state: 'running',
      dryRun,
      asked: 0,
      corrected: 0,
      otherVersion: 0,
      answered: 0,
      rate: 0,
    };
    const job: ReclassificationJob = {
      progress,
      cancelled: new AbortController(),
      open: new Map(),
      corrected: new Set(),
      isResumed,
      done: Promise.resolve(),
    };
    this.#jobs.set(request.id, job);
    for (const [id, { progress: known }] of this.#jobs)
      if (this.#jobs.size > maxListed && known.state !== 'running') this.#jobs.delete(id);
    return job;
  }

  #begin(job: ReclassificationJob): void {
    const { progress } = job;
    job.done = this.#process(job)
      .catch((caught: unknown) => {
        const error = asPlainviewError(caught);
        progress.state = 'failed';
        progress.problem = error.message;
        progress.failure = detailOf(error);
        // An error that is not transient is a mistake in the request.
        const level = error.transient ? 'error' : 'warn';
        this.#parts.log[level]({ err: error, request: progress.id }, 'a reclassification job failed');
      })
      .then(() => this.#save())
      .catch((error: unknown) =>
        this.#parts.log.error({ err: error }, 'the list of reclassification jobs could not be saved'),
      );
  }

  async #process(job: ReclassificationJob): Promise<void> {
    const { progress } = job;
    const signal = AbortSignal.any([this.#stop.signal, job.cancelled.signal]);
    const watermark = new Watermark(0, maxOpen);
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
        const record = recordOf(instance)?.record;
        if (hasOtherVersion(instance)) {
          progress.otherVersion++;
          continue;
        }
        if (record?.who === 'person' && !progress.includingCorrected) {
          progress.corrected++;
          continue;
        }
        progress.asked++;
        if (progress.dryRun) continue;
        if (record?.requested?.when === progress.when) {
          progress.answered++; // before a restart
          continue;
        }
        await whileAway(() => this.#request(job, instance, watermark, began));
        await watermark.waitForCapacity(signal);
      }
    }
    while (watermark.openJobs > 0 && !signal.aborted) await sleep(50, signal);
    if (job.cancelled.signal.aborted) progress.state = 'cancelled';
    else if (!this.#stop.signal.aborted) progress.state = 'done';
  }

  /** Writes the request of one instance and enqueues it. An instance that was deleted meanwhile is skipped. */
  async #request(
    { progress, open, corrected, isResumed }: ReclassificationJob,
    instance: InstanceContent,
    watermark: Watermark,
    began: number,
  ): Promise<void> {
    const { ID } = instance;
    const { who, when } = progress;
    const ends = recordOf(instance)?.record.when;
    // Of a person's decision, that is when something was said of it last.
    if (isResumed && (ends ?? '') > when) corrected.add(ID);
    const includingCorrected = progress.includingCorrected && !corrected.has(ID);
    const request = this.#parts.seal.seal(ID, { who, when, includingCorrected, ends });
    const text = JSON.stringify(request);
    if (!(await this.#parts.requests.put(ID, text, request))) return void progress.answered++;
    open.set(ID, text);
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

  /** Saves the running jobs. The requests that they wrote are in Orthanc. */
  async #save(): Promise<void> {
    const running = [...this.#jobs.values()].filter(
      ({ progress }) => progress.state === 'running' && !progress.dryRun,
    );
    await this.#parts.store.write(document, [
      ...this.#interrupted,
      ...running.map(({ progress }) => progress),
    ]);
  }
}
