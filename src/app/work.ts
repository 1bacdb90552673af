import { join } from 'node:path';
import type { Logger } from 'pino';
import { Categories } from '../anatomy/categories.js';
import type { Classifier, Network } from '../classify/classifier.js';
import { otherClass } from '../classify/decide.js';
import type { Config } from '../config/options.js';
import { Aggregates } from '../decisions/aggregates.js';
import { CorrectionStore } from '../decisions/correction-store.js';
import { derivedOnce } from '../decisions/derived-once.js';
import type { CategoryLabels } from '../decisions/proposals.js';
import { Reconciler } from '../decisions/reconciler.js';
import { Recorder } from '../decisions/recorder.js';
import type { RequestSeal } from '../decisions/request-seal.js';
import { mismatchAnswer } from '../decisions/schema.js';
import { partings } from '../decisions/shadow.js';
import type { OnPart } from '../decisions/study-trees.js';
import { codesOfJobs } from '../errors/errors.js';
import { Reporter } from '../followups/report/reporter.js';
import type { BackOff } from '../followups/routing/outbox.js';
import { Routing } from '../followups/routing/routing.js';
import { Tagger } from '../followups/tags/tagger.js';
import type { Metrics } from '../metrics/metrics.js';
import { OrderCheck } from '../order-check/check.js';
import { Words } from '../order-check/words.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { createHandler } from '../pipeline/attempt.js';
import { skipReasons } from '../pipeline/eligible.js';
import { KeptFeatures } from '../pipeline/kept-features.js';
import { Pipeline } from '../pipeline/pipeline.js';
import { AdmissionPolicy } from '../queue/admission-policy.js';
import { InWork } from '../store/in-work.js';
import type { Tracing } from '../tracing/tracing.js';
import type { State } from './service-interface.js';

interface Parts extends Pick<State, 'store' | 'locks' | 'createQueue'> {
  orthanc: Orthanc;
  classifier: Classifier;
  config: Config;
  seal: RequestSeal;
  metrics: Metrics;
  tracing?: Tracing | undefined;
  routeBackOff?: BackOff | undefined;
  /** Where another process sends: gives it what is pending. Else it returns false. */
  relayRoute?: ((instance: InstanceId, to: string) => boolean) | undefined;
  /** How long a picture waits that was in work when the process ended. Other than the default in tests alone, milliseconds. */
  inWorkRestMs?: number;
  log: Logger;
}

/** The parts that decide instances, record the decisions and run the follow-ups. Each process of an archive has them. */
export type Work = ReturnType<typeof createWork>;

export function createWork({
  store,
  locks,
  createQueue,
  orthanc,
  classifier,
  config,
  seal,
  metrics,
  tracing,
  routeBackOff,
  relayRoute,
  inWorkRestMs,
  log,
}: Parts) {
  const { stateDir } = config;
  const onPart: OnPart = (study, afterMs) => reconciler.later(study, afterMs);
  const categories = Categories.read(config.viewsFile);
  categories.declare(classifier.network.views);
  const words = Words.read(categories, config.orderWords);
  const categoriesOf = derivedOnce(({ classes }: Network) => categories.known(classes));
  const names: CategoryLabels = {
    prefix: config.labelPrefix,
    labelsTurned: config.orientation === 'label',
    get categories() {
      return categoriesOf(classifier.network);
    },
  };
  const aggregates = new Aggregates(orthanc, names, locks, onPart);
  const corrections = new CorrectionStore(store, locks, log);
  const recorder = new Recorder({
    orthanc,
    labelPrefix: config.labelPrefix,
    labelsTurned: names.labelsTurned,
    locks,
    aggregates,
    orderCheck: new OrderCheck(words, categories),
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
    categories,
    store,
    corrections,
    locks,
    addUp: async (study, changed) => {
      await aggregates.aggregate(study, changed);
      await routing?.addUp(study, changed);
    },
    onPutBack: () => routing?.search(),
    log,
  });
  const routing =
    config.rulesFile === undefined
      ? undefined
      : new Routing(
          {
            orthanc,
            config,
            categories: [...names.categories, ...classifier.network.classes],
            codes: categories,
            store,
            registry: metrics.registry,
            locks,
            backOff: routeBackOff,
            relay: relayRoute,
            onPart,
            log,
          },
          config.rulesFile,
        );
  const reporter =
    config.report === 'off' ? undefined : new Reporter(orthanc, config.report, locks, categories);
  const derived = [aggregates, ...(routing?.derived ?? []), ...(reporter === undefined ? [] : [reporter])];
  const reconciler = new Reconciler({
    orthanc,
    derived,
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
    ...(config.features === 'keep'
      ? { kept: new KeptFeatures(join(stateDir, 'features'), config, log) }
      : {}),
    tracing,
    followUps: [
      // Tags come first: a report describes the file as it is after that, and a route sends it so.
      ...(config.tags === 'off' ? [] : [tagger]),
      ...(reporter === undefined ? [] : [reporter]),
      ...(routing === undefined ? [] : [routing.followUp]),
    ],
  });

  const queue = createQueue({
    admission: new AdmissionPolicy({ concurrency: config.concurrency, backlog: config.backlogConcurrency }),
    concurrency: config.concurrency,
    backlog: config.backlogConcurrency,
    handler: createHandler({
      process: (job) => pipeline.process(job),
      recordFailure: (job, failure) => pipeline.recordFailure(job, failure),
      pauseMs: (instance) => inWork.pauseMs(instance),
      orthanc,
      attempts: config.attempts,
      metrics,
      log,
    }),
    log,
  });
  metrics.observed.queue(queue);
  metrics.observed.followUps(() => pipeline.followUpsDue());
  metrics.startAtZero({
    categories: classifier.network.classes.filter((name) => name !== otherClass),
    shadows: classifier.shadow === undefined ? [] : partings,
    skipReasons,
    answers: mismatchAnswer.options,
    failures: codesOfJobs,
    mended: derived.map(({ name }) => name),
  });
  recorder.events.on('replaced', (instance) => queue.enqueue(instance, 'changes'));
  return {
    categories,
    words,
    locks,
    names,
    aggregates,
    corrections,
    recorder,
    tagger,
    routing,
    reporter,
    reconciler,
    pipeline,
    queue,
    inWork,
  };
}
