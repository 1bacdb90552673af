import type { Logger } from 'pino';
import type { Classifier } from '../classify/classifier.js';
import type { Config } from '../config/options.js';
import { requestOf, runOf } from '../decisions/read.js';
import type { RequestSeal } from '../decisions/request-seal.js';
import { RequestWriter } from '../decisions/request-writer.js';
import { asPlainviewError } from '../errors/errors.js';
import { reportSopClass } from '../followups/report/document.js';
import type { Routing } from '../followups/routing/routing.js';
import { ChangeCursor } from '../intake/cursor.js';
import { Follower } from '../intake/follower.js';
import { GroupRequests } from '../intake/reclassification/group-requests.js';
import { ReclassificationJobs } from '../intake/reclassification/jobs.js';
import { SettledLabels } from '../intake/settled-labels.js';
import { Sweep } from '../intake/sweep.js';
import { SweepSchedule } from '../intake/sweep-schedule.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';
import type { Reason } from '../queue/queue.js';
import { Backlog, countBacklog } from '../statistics/backlog.js';
import { isDamaged, isStoreAway, type Store } from '../store/store.js';
import type { Part } from './lifecycle.js';
import type { Work } from './work.js';

interface Parts {
  work: Work;
  store: Store;
  orthanc: Orthanc;
  classifier: Classifier;
  config: Config;
  seal: RequestSeal;
  metrics: Metrics;
  /** Between two counts of what waits for people. Other than the default in tests alone, milliseconds. */
  backlogMs?: number | undefined;
  log: Logger;
}

/** What one process of an archive does for all: it finds the instances, sends, and settles what others have left. */
export type Leading = Awaited<ReturnType<typeof createLeading>>;

/** @throws state_damaged, state_unusable */
export async function createLeading({
  work,
  store,
  orthanc,
  classifier,
  config,
  seal,
  metrics,
  backlogMs,
  log,
}: Parts) {
  const { queue, recorder, reconciler, pipeline, reporter, routing, tagger, corrections, locks } = work;
  const { modalities } = config;
  const isSettled = async (instance: IdentifiedInstance, reason: Reason) =>
    (await pipeline.whySettled(instance, reason)) !== undefined;
  const sweep = new Sweep({
    orthanc,
    queue,
    reconciler,
    network: () => [runOf(classifier.network), classifier.network.described ?? []].flat().join(' '),
    modalities,
    ownClasses: reporter === undefined ? [] : [reportSopClass],
    // Only sweeps restore labels that were removed. Otherwise two services could add and remove them endlessly.
    isSettled: async (instance) => recorder.isLabelled(instance) && (await isSettled(instance, 'sweep')),
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
    isSettled: (instance) => isSettled(instance, 'changes'),
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
  /** What was begun and cut off: by the end of this process, by an outage of Orthanc, by the end of another process. */
  const settling: Part = {
    resume: async () => {
      await settleBegun({ corrections, recorder, queue, log });
      await tagger.resume();
    },
  };
  metrics.observed.sweep(sweep);
  const backlog = new Backlog(() => countBacklog(orthanc, config.labelPrefix), log, backlogMs);
  metrics.observed.backlog(backlog);
  const parts: Part[] = [
    settling,
    new SettledLabels({ store, corrections, queue, log }),
    ...(routing === undefined ? [] : [routing]),
    groupRequests,
    follower,
    sweep,
    reclassification,
    ...(await scheduledSweeps(config, store, sweep, log)),
    backlog,
  ];
  return { sweep, reclassification, groupRequests, follower, settling, parts };
}

/** Begins sweeps by the schedule of the option `sweep`. */
const scheduledSweeps = async (
  { sweep: expression, sweepOrder }: Config,
  store: Store,
  sweep: Sweep,
  log: Logger,
): Promise<Part[]> =>
  expression === 'off'
    ? []
    : [await SweepSchedule.open(expression, store, () => sweep.begin(sweepOrder), log)];

/** Corrections that were begun, and cut off. */
async function settleBegun({
  corrections,
  recorder,
  queue,
  log,
}: Pick<Work, 'corrections' | 'recorder' | 'queue'> & { log: Logger }): Promise<void> {
  for (const instance of await corrections.listBegun()) {
    await recorder.settle(instance).catch((caught: unknown) => {
      const error = asPlainviewError(caught);
      // One instance's fault: the service is there for all others.
      if (!isDamaged(error) && !isStoreAway(error)) throw error;
      log.error({ err: error, instance }, 'a correction that was begun could not be settled');
    });
    // Where its category is the former one, nothing else tells that its labels are still those of the former decision.
    queue.enqueue(instance, 'changes');
  }
}

/** Another process has ended. What it had begun is settled, and what it had to send is found. */
export async function goOn(settling: Part, routing: Routing | undefined, log: Logger): Promise<void> {
  routing?.search();
  try {
    await settling.resume?.();
  } catch (caught) {
    // Orthanc is away: all of it is done when it is back.
    log.info({ err: asPlainviewError(caught) }, 'what another process had begun is settled later');
  }
}
