import type { Logger } from 'pino';
import type { Classifier } from '../classify/classifier.js';
import type { Config } from '../config/options.js';
import { Aggregates } from '../decisions/aggregates.js';
import { CorrectionStore } from '../decisions/correction-store.js';
import { requestOf } from '../decisions/read.js';
import { Recorder } from '../decisions/recorder.js';
import { asPlainviewError } from '../errors/errors.js';
import { Reporter } from '../followups/report/reporter.js';
import type { BackOff } from '../followups/routing/outbox.js';
import { Routing } from '../followups/routing/routing.js';
import { Tagger } from '../followups/tags/tagger.js';
import { ChangeCursor } from '../intake/cursor.js';
import { Follower } from '../intake/follower.js';
import { copyGroupRequests } from '../intake/reclassification/group-requests.js';
import { ReclassificationJobs } from '../intake/reclassification/jobs.js';
import { Sweep } from '../intake/sweep.js';
import type { Metrics } from '../metrics/metrics.js';
import { OrderCheck } from '../order-check/check.js';
import { Words } from '../order-check/words.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';
import { createHandler } from '../pipeline/attempt.js';
import { Pipeline } from '../pipeline/pipeline.js';
import { AdmissionPolicy } from '../queue/admission-policy.js';
import { MemoryQueue } from '../queue/memory.js';
import { LocalLocks } from '../store/local-locks.js';
import type { Part } from './lifecycle.js';

interface Parts {
  orthanc: Orthanc;
  classifier: Classifier;
  config: Config;
  metrics: Metrics;
  routeBackOff?: BackOff | undefined;
  log: Logger;
}

/** The parts that take instances in, decide them, record the decisions and run the follow-ups. */
export type Work = ReturnType<typeof createWork>;

export function createWork({ orthanc, classifier, config, metrics, routeBackOff, log }: Parts) {
  const locks = new LocalLocks();
  const { stateDir, modalities } = config;
  const aggregates = new Aggregates(orthanc, config.labelPrefix, locks);
  const corrections = new CorrectionStore(stateDir, log);
  const recorder = new Recorder({
    orthanc,
    labelPrefix: config.labelPrefix,
    locks,
    aggregates,
    orderCheck: new OrderCheck(Words.read(config.orderWords)),
    corrections,
  });

  const tagger = new Tagger({ orthanc, mode: config.tags, stateDir, locks, aggregates, log });
  const routing =
    config.rulesFile === undefined
      ? undefined
      : new Routing(
          {
            orthanc,
            config,
            classes: classifier.network.classes,
            registry: metrics.registry,
            locks,
            backOff: routeBackOff,
            log,
          },
          config.rulesFile,
        );
  const pipeline = new Pipeline({
    orthanc,
    classifier,
    recorder,
    metrics,
    config,
    followUps: [
      // Tags come first: a report describes the file as it is after that, and a route sends it so.
      ...(config.tags === 'off' ? [] : [tagger]),
      ...(config.report === 'off' ? [] : [new Reporter(orthanc, config.report, locks)]),
      ...(routing === undefined ? [] : [routing.followUp]),
    ],
  });

  const queue = createQueue({ pipeline, tagger, orthanc, config, metrics, log });
  metrics.observeQueue(queue);

  const isSettled = (instance: IdentifiedInstance) => pipeline.whySettled(instance) !== undefined;
  const sweep = new Sweep({
    orthanc,
    queue,
    aggregates,
    network: classifier.network.sha256,
    modalities,
    // Only sweeps restore labels that were removed. Otherwise two services could add and remove them endlessly.
    isSettled: (instance) => isSettled(instance) && recorder.isLabelled(instance),
    rate: config.sweepRate,
    quietHours: config.sweepHours,
    stateDir,
    log,
  });
  const reclassification = new ReclassificationJobs({ orthanc, queue, modalities, stateDir, log });
  const follower = new Follower({
    orthanc,
    queue,
    cursor: new ChangeCursor(stateDir, log),
    isSettled,
    isUnfinished: (instance) => requestOf(instance) !== undefined || pipeline.isUnfinished(instance),
    copyGroupRequests: (level, ids) => copyGroupRequests(orthanc, level, ids, modalities),
    onLogCleared: () => sweep.beginAfterCurrent(),
    pollMs: config.changesPollMs,
    log,
  });
  const settling: Part = { resume: () => settleBegun(corrections, recorder, log) };
  const followUps: Part[] = [settling, tagger, ...(routing === undefined ? [] : [routing])];
  return { recorder, tagger, routing, queue, sweep, reclassification, follower, followUps };
}

function createQueue(parts: Omit<Parts, 'classifier'> & { pipeline: Pipeline; tagger: Tagger }): MemoryQueue {
  const { pipeline, tagger, orthanc, config, metrics, log } = parts;
  return new MemoryQueue(
    new AdmissionPolicy({ concurrency: config.concurrency, backlog: config.backlogConcurrency }),
    createHandler({
      process: async (job) => {
        await tagger.settled(job.instance);
        return pipeline.process(job);
      },
      recordFailure: async (job, failure) => {
        await tagger.settled(job.instance);
        return pipeline.recordFailure(job, failure);
      },
      orthanc,
      attempts: config.attempts,
      metrics,
      log,
    }),
  );
}

/** Corrections that were begun when the service ended, or when Orthanc went away. */
async function settleBegun(corrections: CorrectionStore, recorder: Recorder, log: Logger): Promise<void> {
  for (const instance of corrections.listBegun())
    await recorder.settle(instance).catch((caught: unknown) => {
      const error = asPlainviewError(caught);
      // One instance's fault: the service is there for all others.
      if (!['state_damaged', 'state_unusable'].includes(error.code)) throw error;
      log.error({ err: error, instance }, 'a correction that was begun could not be settled');
    });
}
