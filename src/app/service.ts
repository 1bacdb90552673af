import { schedule } from 'node-cron';
import type { Logger } from 'pino';
import { auditTrail } from '../access/audit.js';
import type { Classifier } from '../classify/classifier.js';
import type { Config } from '../config/options.js';
import { requireLabels } from '../decisions/labels.js';
import { createError } from '../errors/errors.js';
import type { BackOff } from '../followups/routing/outbox.js';
import type { Readiness } from '../http/health.js';
import { Metrics } from '../metrics/metrics.js';
import { requireCapabilities } from '../orthanc/capabilities.js';
import { type Heartbeat, Orthanc } from '../orthanc/orthanc.js';
import { Lifecycle, type Part } from './lifecycle.js';
import { createWeb } from './web.js';
import { createWork } from './work.js';

export interface Service {
  /** Where it listens: from now on, so that no notice is missed while Orthanc still starts. */
  url: string;
  /** Settles when Orthanc has answered, or when the service is stopped first; rejects where this Orthanc lacks something. */
  ready: Promise<void>;
  /** Completes what is in work, or gives it back. */
  stop(): Promise<void>;
}

/** Waits that no option sets. */
export interface Timings {
  heartbeat?: Heartbeat;
  routeBackOff?: BackOff;
}

/**
 * Builds the service and starts it. Its work begins once Orthanc has answered.
 * @param classifier stays the caller's, who closes it after the service has stopped
 * @param timings other than the default in tests alone
 * @throws errors of the catalogue where the configuration cannot be used
 */
export async function startService(
  config: Config,
  classifier: Classifier,
  log: Logger,
  { heartbeat, routeBackOff }: Timings = {},
): Promise<Service> {
  const { secret } = config;
  if (secret === undefined)
    throw createError('config_invalid', {
      problems: ['PLAINVIEW_SECRET: must be set, to the same value as in the environment of Orthanc'],
    });
  requireLabels(classifier.network.classes, config.labelPrefix);
  logNetwork(classifier, log);

  const orthanc = new Orthanc(config, heartbeat);
  const { availability } = orthanc;
  const metrics = new Metrics();
  const audit = auditTrail(config.auditFile, log);
  const work = createWork({ orthanc, classifier, config, metrics, routeBackOff, log });
  const readiness = (): Readiness => ({
    ready: availability.state.answers,
    network: identityOf(classifier),
    engine: classifier.engine,
    orthanc: { url: config.orthancUrl, ...availability.state },
    queue: work.queue.depth(),
  });
  const web = createWeb({ ...work, orthanc, classifier, config, secret, metrics, audit, readiness, log });
  const nightly: Part = {
    start: () => {
      if (config.sweep === 'off') return;
      const task = schedule(config.sweep, () => work.sweep.begin(config.sweepOrder));
      nightly.stop = () => task.destroy();
    },
  };
  // What feeds the queue comes before it, so it stops after it: what the queue settles at its end still counts.
  const lifecycle = new Lifecycle([
    web.statistics,
    ...work.followUps,
    work.follower,
    work.sweep,
    work.reclassification,
    nightly,
    work.queue,
    web.server,
    web.events,
  ]);

  availability.events.on('problem', (error) =>
    log.warn({ code: error.code }, `${error.message} Work waits.`),
  );
  availability.events.on('away', () => {
    metrics.orthancUp.set(0);
    lifecycle.pause();
  });
  availability.events.on('back', ({ Version: version }) => {
    metrics.orthancUp.set(1);
    log.info({ version }, 'Orthanc answers');
  });

  const stop = async () => {
    availability.stop();
    const deadline = AbortSignal.timeout(config.shutdownSeconds * 1000);
    // What Orthanc has not answered by then is left to the next start, as after a kill. One that is away is not waited for.
    deadline.addEventListener('abort', () => orthanc.close(), { once: true });
    if (!availability.state.answers) orthanc.close();
    await lifecycle.stop(deadline);
    orthanc.close();
    const { waiting, running, delayed } = work.queue.depth();
    log.info({ givenBack: waiting + running + delayed }, 'stopped');
  };
  // Nothing begins before Orthanc has answered; notices wait.
  lifecycle.pause();
  try {
    await lifecycle.start();
  } catch (error) {
    await stop();
    throw error;
  }
  const { url } = web.server;
  log.info({ url }, 'listening');
  const ready = availability.start(async (system) => {
    requireCapabilities(system, config);
    await lifecycle.resume();
  });
  return { url, ready, stop };
}

function logNetwork({ engine, network }: Classifier, log: Logger): void {
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
