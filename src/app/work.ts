import type { Logger } from 'pino';
import type { Classifier } from '../classify/classifier.js';
import type { Config } from '../config/options.js';
import { Aggregates } from '../decisions/aggregates.js';
import { KeptCorrections } from '../decisions/kept-corrections.js';
import { requestOf } from '../decisions/read.js';
import { Recorder } from '../decisions/recorder.js';
import { Reporter } from '../followups/report/reporter.js';
import type { BackOff } from '../followups/routing/outbox.js';
import { Routing } from '../followups/routing/routing.js';
import { Tagger } from '../followups/tags/tagger.js';
import { ChangeCursor } from '../intake/cursor.js';
import { Follower } from '../intake/follower.js';
import { ReclassificationJobs } from '../intake/reclassification/jobs.js';
import { spreadRequests } from '../intake/reclassification/spread.js';
import { Sweep } from '../intake/sweep.js';
import type { Metrics } from '../metrics/metrics.js';
import { OrderCheck } from '../order-check/check.js';
import { Words } from '../order-check/words.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { InstanceContent } from '../orthanc/resources.js';
import { createHandler } from '../pipeline/attempt.js';
import { Pipeline } from '../pipeline/pipeline.js';
import { AdmissionPolicy } from '../queue/admission-policy.js';
import { MemoryQueue } from '../queue/memory.js';
import { LocalLocks } from '../store/local-locks.js';
import type { Part } from './lifecycle.js';

interface Given {
  orthanc: Orthanc;
  classifier: Classifier;
  config: Config;
  metrics: Metrics;
  routeBackOff?: BackOff | undefined;
  log: Logger;
}

/** What takes instances in, decides about them, records that and follows it. */
export type Work = ReturnType<typeof createWork>;

export function createWork({ orthanc, classifier, config, metrics, routeBackOff, log }: Given) {
  const locks = new LocalLocks();
  const { stateDir, modalities } = config;
  const aggregates = new Aggregates(orthanc, config.labelPrefix, locks);
  const recorder = new Recorder({
    orthanc,
    labelPrefix: config.labelPrefix,
    locks,
    aggregates,
    orderCheck: new OrderCheck(Words.read(config.orderWords)),
    corrections: new KeptCorrections(stateDir),
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
      // First: reports are about the file, and routes send it, as it is after that.
      ...(config.tags === 'off' ? [] : [tagger]),
      ...(config.report === 'off' ? [] : [new Reporter(orthanc, config.report, locks)]),
      ...(routing === undefined ? [] : [routing.followUp]),
    ],
  });

  const queue = new MemoryQueue(
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
  metrics.observeQueue(queue);

  const isSettled = (instance: InstanceContent) => pipeline.whySettled(instance) !== undefined;
  const sweep = new Sweep({
    orthanc,
    queue,
    aggregates,
    network: classifier.network.sha256,
    modalities,
    // Labels that somebody removed are looked for by sweeps alone: else two services would contend for them for ever.
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
    cursor: new ChangeCursor(stateDir),
    isSettled,
    isUnfinished: (instance) => requestOf(instance) !== undefined || pipeline.isUnfinished(instance),
    spread: (level, ids) => spreadRequests(orthanc, level, ids, modalities),
    onLogCleared: () => sweep.beginAnew(),
    pollMs: config.changesPollMs,
    log,
  });
  const followUps: Part[] = [tagger, ...(routing === undefined ? [] : [routing])];
  return { recorder, tagger, routing, queue, sweep, reclassification, follower, followUps };
}
