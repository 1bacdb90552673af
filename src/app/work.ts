import type { Logger } from 'pino';
import { knownCategories } from '../anatomy/categories.js';
import type { Classifier } from '../classify/classifier.js';
import type { Config } from '../config/options.js';
import { Aggregates } from '../decisions/aggregates.js';
import { CorrectionStore } from '../decisions/correction-store.js';
import { requestOf } from '../decisions/read.js';
import { Reconciler } from '../decisions/reconciler.js';
import { Recorder } from '../decisions/recorder.js';
import type { RequestSeal } from '../decisions/request-seal.js';
import { RequestWriter } from '../decisions/request-writer.js';
import type { OnPart } from '../decisions/study-trees.js';
import { asPlainviewError } from '../errors/errors.js';
import { reportSopClass } from '../followups/report/document.js';
import { Reporter } from '../followups/report/reporter.js';
import type { BackOff } from '../followups/routing/outbox.js';
import { Routing } from '../followups/routing/routing.js';
import { Tagger } from '../followups/tags/tagger.js';
import { ChangeCursor } from '../intake/cursor.js';
import { Follower } from '../intake/follower.js';
import { GroupRequests } from '../intake/reclassification/group-requests.js';
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
import { InWork } from '../store/in-work.js';
import { LocalLocks } from '../store/local-locks.js';
import { isDamaged, isStoreAway, type Store } from '../store/store.js';
import type { Part } from './lifecycle.js';

interface Parts {
  store: Store;
  orthanc: Orthanc;
  classifier: Classifier;
  config: Config;
  seal: RequestSeal;
  metrics: Metrics;
  routeBackOff?: BackOff | undefined;
  /** How long a picture waits that was in work when the process ended. Other than the default in tests alone, milliseconds. */
  inWorkRestMs?: number;
  log: Logger;
}

/** The parts that take instances in, decide them, record the decisions and run the follow-ups. */
export type Work = Awaited<ReturnType<typeof createWork>>;

export async function createWork({
  store,
  orthanc,
  classifier,
  config,
  seal,
  metrics,
  routeBackOff,
  inWorkRestMs,
  log,
}: Parts) {
  const locks = new LocalLocks();
  const { stateDir, modalities } = config;
  const onPart: OnPart = (study, afterMs) => reconciler.later(study, afterMs);
  const names = { prefix: config.labelPrefix, categories: knownCategories(classifier.network.classes) };
  const aggregates = new Aggregates(orthanc, names, locks, onPart);
  const corrections = new CorrectionStore(store, log);
  const recorder = new Recorder({
    orthanc,
    labelPrefix: config.labelPrefix,
    locks,
    aggregates,
    orderCheck: new OrderCheck(Words.read(config.orderWords)),
    corrections,
    seal,
  });
  recorder.events.on('unsealed', (request) =>
    log.warn(
      request,
      'a request in Orthanc asks for a decision of a person to be made anew, but Plainview did not write it: that decision stays',
    ),
  );

  const tagger = new Tagger({
    orthanc,
    mode: config.tags,
    store,
    locks,
    addUp: async (study, changed) => {
      await aggregates.aggregate(study, changed);
      await routing?.addUp(study, changed);
    },
    log,
  });
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
            onPart,
            log,
          },
          config.rulesFile,
        );
  const reporter = config.report === 'off' ? undefined : new Reporter(orthanc, config.report, locks);
  const reconciler = new Reconciler({
    orthanc,
    derived: [aggregates, ...(routing?.derived ?? []), ...(reporter === undefined ? [] : [reporter])],
    onMended: (what) => metrics.mended.inc({ what }),
    log,
  });
  const inWork = new InWork(stateDir, inWorkRestMs);
  const pipeline = new Pipeline({
    inWork,
    orthanc,
    classifier,
    recorder,
    metrics,
    config,
    whole: (id, read) => tagger.whole(id, read),
    followUps: [
      // Tags come first: a report describes the file as it is after that, and a route sends it so.
      ...(config.tags === 'off' ? [] : [tagger]),
      ...(reporter === undefined ? [] : [reporter]),
      ...(routing === undefined ? [] : [routing.followUp]),
    ],
  });

  const queue = createQueue({ pipeline, inWork, orthanc, config, metrics, log });
  metrics.observeQueue(queue);
  recorder.events.on('replaced', (instance) => queue.enqueue(instance, 'changes'));

  const isSettled = async (instance: IdentifiedInstance) =>
    (await pipeline.whySettled(instance)) !== undefined;
  const sweep = new Sweep({
    orthanc,
    queue,
    reconciler,
    network: classifier.network.sha256,
    modalities,
    ownClasses: reporter === undefined ? [] : [reportSopClass],
    // Only sweeps restore labels that were removed. Otherwise two services could add and remove them endlessly.
    isSettled: async (instance) => recorder.isLabelled(instance) && (await isSettled(instance)),
    rate: config.sweepRate,
    quietHours: config.sweepHours,
    store,
    log,
  });
  const requests = new RequestWriter({ orthanc, locks });
  const reclassification = await ReclassificationJobs.open({
    orthanc,
    queue,
    recorder,
    modalities,
    store,
    seal,
    requests,
    log,
  });
  const groupRequests = new GroupRequests({ orthanc, requests, modalities, log });
  const follower = new Follower({
    orthanc,
    queue,
    cursor: await ChangeCursor.open(store, log),
    isSettled,
    isUnfinished: async (instance) =>
      requestOf(instance) !== undefined ||
      pipeline.isUnfinished(instance) ||
      (await recorder.isUnkept(instance)),
    groupRequests,
    onLogCleared: () => sweep.beginAfterCurrent(),
    onLate: (entries) => metrics.changesLate.inc(entries),
    pollMs: config.changesPollMs,
    lateMs: config.changesLateSeconds * 1000,
    log,
  });
  const settling: Part = { resume: () => settleBegun(corrections, recorder, log) };
  const followUps: Part[] = [settling, tagger, ...(routing === undefined ? [] : [routing])];
  return {
    aggregates,
    recorder,
    tagger,
    routing,
    reconciler,
    queue,
    sweep,
    reclassification,
    groupRequests,
    follower,
    followUps,
    inWork,
  };
}

function createQueue(
  parts: Omit<Parts, 'store' | 'classifier' | 'seal'> & { pipeline: Pipeline; inWork: InWork },
): MemoryQueue {
  const { pipeline, inWork, orthanc, config, metrics, log } = parts;
  return new MemoryQueue(
    new AdmissionPolicy({ concurrency: config.concurrency, backlog: config.backlogConcurrency }),
    createHandler({
      process: (job) => pipeline.process(job),
      recordFailure: (job, failure) => pipeline.recordFailure(job, failure),
      pauseMs: (instance) => inWork.pauseMs(instance),
      orthanc,
      attempts: config.attempts,
      metrics,
      log,
    }),
  );
}

/** Corrections that were begun when the service ended, or when Orthanc went away. */
async function settleBegun(corrections: CorrectionStore, recorder: Recorder, log: Logger): Promise<void> {
  for (const instance of await corrections.listBegun())
    await recorder.settle(instance).catch((caught: unknown) => {
      const error = asPlainviewError(caught);
      // One instance's fault: the service is there for all others.
      if (!isDamaged(error) && !isStoreAway(error)) throw error;
      log.error({ err: error, instance }, 'a correction that was begun could not be settled');
    });
}
