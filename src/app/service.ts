import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { schedule } from 'node-cron';
import type { Logger } from 'pino';
import { auditTrail } from '../access/audit.js';
import { authenticator } from '../access/authenticate.js';
import { readTokens } from '../access/tokens.js';
import type { Classifier } from '../classify/classifier.js';
import type { Config } from '../config/options.js';
import { version } from '../config/version.js';
import { KeptCorrections } from '../decisions/kept-corrections.js';
import { requireLabels } from '../decisions/labels.js';
import { requestOf } from '../decisions/read.js';
import { Recorder } from '../decisions/recorder.js';
import { createError, type PlainviewError } from '../errors/errors.js';
import { Reporter } from '../followups/report/reporter.js';
import { Routing } from '../followups/routing/routing.js';
import { Tagger } from '../followups/tags/tagger.js';
import { createHanger } from '../hanging/hanger.js';
import { Events } from '../http/api/events.js';
import { described } from '../http/api/openapi.js';
import { apiOperations } from '../http/api/operations.js';
import { apiRouter } from '../http/api/router.js';
import { statusOf } from '../http/api/status.js';
import { createApp } from '../http/app.js';
import { failedAuthenticationLimiter } from '../http/failed-authentication-limiter.js';
import { healthRouter, type Readiness } from '../http/health.js';
import { hookRouter } from '../http/hook.js';
import { reviewPageRouter } from '../http/review-page.js';
import { Cursor } from '../intake/cursor.js';
import { Follower } from '../intake/follower.js';
import { ReclassificationJobs } from '../intake/reclassification/jobs.js';
import { spreadRequests } from '../intake/reclassification/spread.js';
import { Sweep } from '../intake/sweep.js';
import { Metrics } from '../metrics/metrics.js';
import { OrderCheck } from '../order-check/check.js';
import { Words } from '../order-check/words.js';
import { Availability, pulseOf } from '../orthanc/availability.js';
import { checkOrthanc } from '../orthanc/check.js';
import { Orthanc } from '../orthanc/orthanc.js';
import type { InstanceContent } from '../orthanc/resources.js';
import { createHandler } from '../pipeline/attempt.js';
import { Pipeline } from '../pipeline/pipeline.js';
import { AdmissionPolicy } from '../queue/admission-policy.js';
import { MemoryQueue } from '../queue/memory.js';
import { Statistics } from '../statistics/statistics.js';

export interface Service {
  /** Where it listens: from now on, so that no notice is missed while Orthanc still starts. */
  url: string;
  /** Settles when Orthanc has answered, or when the service is stopped before; rejects where this Orthanc will not do. */
  ready: Promise<void>;
  /** Ends what is in work, or gives it back. */
  stop(): Promise<void>;
}

/**
 * Wires the service together and starts it: Orthanc, queue, pipeline, then the hook's door.
 * @param classifier stays the caller's: to be closed after the service has stopped
 * @throws errors of the catalogue where the configuration will not do
 */
export async function startService(config: Config, classifier: Classifier, log: Logger): Promise<Service> {
  const { secret } = config;
  if (secret === undefined)
    throw createError('config_invalid', {
      problems: ['PLAINVIEW_SECRET: must be set, to the same value as in the environment of Orthanc'],
    });
  requireLabels(classifier.network.classes, config.labelPrefix);
  const tokens = readTokens(config.tokensFile);
  const audit = auditTrail(config.auditFile, log);
  logEngine(classifier, log);

  const cursor = new Cursor(config.stateDir);
  const orthanc = new Orthanc(config);
  const pulse = pulseOf(config);
  const hanger = createHanger(orthanc, config, classifier.network.classes);
  const metrics = new Metrics(() => queue.depth());
  const recorder = new Recorder(orthanc, config.labelPrefix, {
    orders: new OrderCheck(Words.read(config.orderWords)),
    corrections: new KeptCorrections(config.stateDir),
    told: (recorded) => {
      events.recorded(recorded);
      statistics.recorded(recorded);
    },
  });
  const isOrthancAway = (error: PlainviewError) => availability.lost(error);
  const { classes } = classifier.network;
  const routing =
    config.rulesFile === undefined
      ? undefined
      : new Routing(
          { orthanc, config, classes, registry: metrics.registry, isOrthancAway, log },
          config.rulesFile,
        );
  const tagger = new Tagger({
    orthanc,
    mode: config.tags,
    stateDir: config.stateDir,
    exclusively: (id, task) =>
      recorder.exclusively(id, () => (routing === undefined ? task() : routing.exclusively(id, task))),
    aggregateStudy: (id) => recorder.aggregateStudy(id),
    log,
  });
  const pipeline = new Pipeline({
    orthanc,
    classifier,
    recorder,
    metrics,
    config,
    followUps: [
      // First: reports are about, and routes send, the file as it will be.
      ...(config.tags === 'off' ? [] : [tagger]),
      ...(config.report === 'off' ? [] : [new Reporter(orthanc, config.report)]),
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
      isOrthancAway,
      attempts: config.attempts,
      metrics,
      log,
    }),
  );
  // Nothing is begun before Orthanc has answered; notices wait.
  queue.pause();
  const availability = new Availability({
    probe: async () => {
      const orthancVersion = await checkOrthanc(pulse, config);
      await tagger.recover();
      await routing?.check();
      return orthancVersion;
    },
    answers: () => pulse.system(),
    onChange: (up) => {
      metrics.orthancUp.set(up ? 1 : 0);
      for (const part of [queue, follower, routing]) up ? part?.resume() : part?.pause();
    },
    log,
  });

  const isSettled = (instance: InstanceContent) => pipeline.whySettled(instance) !== undefined;
  const sweep = new Sweep({
    orthanc,
    queue,
    network: classifier.network.sha256,
    modalities: config.modalities,
    // Labels that somebody has taken away are looked for by sweeps alone: two services would contend for them for ever.
    isSettled: (instance) => isSettled(instance) && recorder.isLabelled(instance),
    isUpToDate: (tree) => recorder.isUpToDate(tree),
    aggregateStudy: (id) => recorder.aggregateStudy(id),
    isOrthancAway,
    rate: config.sweepRate,
    quietHours: config.sweepHours,
    stateDir: config.stateDir,
    log,
  });
  const requests = new ReclassificationJobs({
    orthanc,
    queue,
    modalities: config.modalities,
    stateDir: config.stateDir,
    isOrthancAway,
    log,
  });
  const nightly =
    config.sweep === 'off' ? undefined : schedule(config.sweep, () => sweep.start(config.sweepOrder));
  const follower = new Follower({
    orthanc,
    queue,
    cursor,
    isSettled,
    isUnfinished: (instance) => requestOf(instance) !== undefined || pipeline.isUnfinished(instance),
    spread: (level, ids) => spreadRequests(orthanc, level, ids, config.modalities),
    onLogCleared: () => sweep.startAnew(),
    isOrthancAway,
    pollMs: config.changesPollMs,
    log,
  });

  const readiness = (): Readiness => ({
    ready: availability.state.answers,
    network: identityOf(classifier),
    engine: classifier.engine,
    orthanc: { url: config.orthancUrl, ...availability.state },
    queue: queue.depth(),
  });
  const statistics = new Statistics({ ...config, orthanc, log });
  const status = () => statusOf({ readiness: readiness(), sweep, config, listeners: events.count });
  const events = new Events(status);
  const operations = apiOperations({
    orthanc,
    classifier,
    recorder,
    queue,
    sweep,
    requests,
    tagger,
    routing,
    hanger,
    statistics,
    events,
    audit,
    readiness,
    status,
    config,
  });
  // One door for every secret and token. A page makes a hundred calls for each time somebody signs in.
  const door = failedAuthenticationLimiter(Math.max(10, Math.ceil(config.apiRate / 100)));
  const app = createApp(
    [
      healthRouter(readiness, metrics),
      reviewPageRouter(),
      hookRouter({ secret, door, metrics, accept: (instance) => queue.enqueue(instance, 'hook') }),
      apiRouter(described(operations, version), {
        authenticate: authenticator(secret, tokens),
        door,
        perMinute: config.apiRate,
        log,
      }),
    ],
    log,
  );
  const server = createServer(app);
  const stop = async () => {
    availability.end();
    pulse.close();
    events.close();
    const closed = close(server);
    // What Orthanc has not answered by then is left to the next start, as after a kill. One that is away is not waited for.
    const late = setTimeout(() => orthanc.close(), config.shutdownSeconds * 1000);
    const back = await queue.stop(config.shutdownSeconds * 1000);
    if (!availability.state.answers) orthanc.close();
    await Promise.all([
      follower.end(),
      sweep.end(),
      requests.end(),
      routing?.end(),
      statistics.end(),
      nightly?.destroy(),
    ]);
    await closed;
    clearTimeout(late);
    orthanc.close();
    log.info({ givenBack: back.length }, 'stopped');
  };
  try {
    const url = await listen(server, config);
    log.info({ url }, 'listening');
    const ready = availability.start().then(() => {
      if (!availability.state.answers) return; // stopped before
      sweep.resume();
      requests.resume();
    });
    return { url, ready, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function logEngine({ engine, network }: Classifier, log: Logger): void {
  log.info({ engine, network: { name: network.name, sha256: network.sha256 } }, 'network loaded');
  for (const { engine: name, reason } of engine.declined) log.info({ engine: name }, `not used: ${reason}`);
  if (network.purpose === 'research')
    log.warn('this network is for evaluation and research only: it is not a medical device');
}

const identityOf = ({ network }: Classifier) => ({
  name: network.name,
  sha256: network.sha256,
  purpose: network.purpose,
});

async function listen(server: Server, { host, port }: Config): Promise<string> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw createError('cannot_listen', { host, port, why: (error as Error).message }, error);
  }
  // The address of an IP server is never a string.
  const { port: taken } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${taken}`;
}

function close(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  return closed;
}
