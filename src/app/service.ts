import type { Logger } from 'pino';
import { type Audit, auditTrail } from '../access/audit.js';
import { deriveKey } from '../access/keys.js';
import type { Classifier } from '../classify/classifier.js';
import type { Config } from '../config/options.js';
import { shownCategory } from '../decisions/correction.js';
import { requireLabels } from '../decisions/labels.js';
import type { Recorder } from '../decisions/recorder.js';
import { RequestSeal } from '../decisions/request-seal.js';
import { createError } from '../errors/errors.js';
import type { BackOff } from '../followups/routing/outbox.js';
import type { Readiness } from '../http/health.js';
import type { Sweep } from '../intake/sweep.js';
import { SweepSchedule } from '../intake/sweep-schedule.js';
import { Metrics } from '../metrics/metrics.js';
import type { Availability } from '../orthanc/availability.js';
import { freezeWarning, mayFreeze, requireCapabilities } from '../orthanc/capabilities.js';
import { type Heartbeat, Orthanc } from '../orthanc/orthanc.js';
import { lockFolder } from '../store/folder-lock.js';
import { FolderStore } from '../store/folder-store.js';
import { StateProbe } from '../store/state-probe.js';
import type { Store } from '../store/store.js';
import { Suspects } from '../store/suspects.js';
import { Lifecycle, type Part } from './lifecycle.js';
import { Monitor } from './monitor.js';
import type { Service, State } from './service-interface.js';
import type { ServiceLog } from './service-log.js';
import { startStandby } from './standby.js';
import { createWeb } from './web.js';
import { createWork } from './work.js';

/** Where the service logs to. */
type Output = Pick<ServiceLog, 'log'> & Partial<Pick<ServiceLog, 'dropped'>>;

/** Waits that no option sets. */
export interface Timings {
  heartbeat?: Heartbeat;
  routeBackOff?: BackOff;
  /** Between two looks at the state folder and the change log, milliseconds. */
  monitorMs?: number;
}

/**
 * Builds and starts the service. It processes jobs as soon as Orthanc has answered.
 * @param classifier the caller closes it after the service has stopped
 * @param timings only tests give others than the default
 * @throws config_invalid, state_in_use, state_unusable, rules_invalid, cannot_listen. With a database, `ready` rejects with
 *   database_… and what depends on the state.
 */
export async function startService(
  config: Config,
  classifier: Classifier,
  output: Output,
  timings: Timings = {},
): Promise<Service> {
  const { secret } = config;
  const { log } = output;
  if (secret === undefined)
    throw createError('config_invalid', {
      problems: [
        'PLAINVIEW_SECRET, or PLAINVIEW_SECRET_FILE: must be set, to the same value as in the environment of Orthanc (`openssl rand -hex 24` makes one)',
      ],
    });
  requireLabels(classifier.network.classes, config.labelPrefix);
  logNetwork(classifier, log);
  const startWork = (state: State) => startOn(state, { ...config, secret }, classifier, output, timings);
  const { databaseUrl, stateDir } = config;
  if (databaseUrl !== undefined) return startStandby({ ...config, databaseUrl }, startWork, log);
  // Before any part reads its state: another service may be about to write it.
  const lock = await lockFolder(stateDir, log);
  try {
    const { stop, ...service } = await startWork({ store: new FolderStore(stateDir), place: stateDir });
    return { ...service, stop: () => stop().finally(lock.release) };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function startOn(
  { store, place, leader }: State,
  config: Config & { secret: string },
  classifier: Classifier,
  { log, dropped }: Output,
  { heartbeat, routeBackOff, monitorMs }: Timings,
): Promise<Service> {
  const orthanc = new Orthanc(config, heartbeat, await Suspects.open(store, log));
  const { availability } = orthanc;
  const metrics = new Metrics();
  if (dropped !== undefined) metrics.observeLog(dropped);
  const audit = auditTrail(config, log, (entries) => metrics.auditLost.inc(entries));
  const { secret } = config;
  const seal = new RequestSeal(deriveKey(secret, 'seal'));
  const work = await createWork({ store, orthanc, classifier, config, seal, metrics, routeBackOff, log });
  auditEnded(work.recorder, audit);
  const probe = new StateProbe(store, place);
  metrics.observeState(probe);
  if (leader !== undefined) metrics.observeLeader();
  metrics.observeLag(work.follower);
  const readiness = (): Readiness => ({
    ready: availability.isReady && probe.problem === undefined,
    network: identityOf(classifier),
    engine: classifier.engine,
    orthanc: { url: config.orthancUrl, ...availability.state },
    state: {
      writable: probe.problem === undefined,
      ...(probe.problem === undefined ? {} : { problem: probe.problem }),
    },
    ...(leader === undefined ? {} : { leader }),
    changes: { behind: work.follower.lag.changes, secondsSinceUpToDate: work.follower.lag.seconds },
    queue: work.queue.depth(),
  });
  const web = await createWeb({
    ...work,
    store,
    orthanc,
    classifier,
    config,
    secret,
    metrics,
    audit,
    readiness,
    log,
  });
  // The parts that fill the queue come before it, so they stop after it and see all jobs that it settles.
  const lifecycle = new Lifecycle([
    new Monitor({ probe, follower: work.follower, intervalMs: monitorMs, log }),
    web.statistics,
    work.inWork,
    ...work.followUps,
    work.reconciler,
    work.groupRequests,
    work.follower,
    work.sweep,
    work.reclassification,
    ...(await scheduledSweeps(config, store, work.sweep, log)),
    work.queue,
    web.server,
    web.events,
  ]);

  observe(availability, { metrics, lifecycle, log });

  const stop = async () => {
    availability.stop();
    const deadline = AbortSignal.timeout(config.shutdownSeconds * 1000);
    // Calls that Orthanc has not answered by then are left to the next start. An Orthanc that is away is not waited for.
    deadline.addEventListener('abort', () => orthanc.close(), { once: true });
    if (!availability.isReady) orthanc.close();
    await lifecycle.stop(deadline).finally(() => orthanc.close());
    const { waiting, running, delayed } = work.queue.depth();
    log.info({ givenBack: waiting + running + delayed }, 'stopped');
  };
  // No job runs before Orthanc has answered. Notices wait in the queue.
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
    if (mayFreeze(system, config)) log.warn(freezeWarning(system.Version));
    await lifecycle.resume();
  });
  return { url, ready, lost: new Promise(() => undefined), stop };
}

/** Writes down who ended which decision of a person by a request. The request itself is in the audit trail as well. */
function auditEnded({ events }: Recorder, audit: Audit): void {
  events.on('ended', ({ instance, request: { who, when }, previous, record }) => {
    const detail = {
      requested: when,
      ...(previous === undefined ? {} : { by: previous.person?.who, from: shownCategory(previous) }),
      to: shownCategory(record),
    };
    void audit({
      caller: { who, role: 'admin', how: 'orthanc' },
      action: 'end correction',
      target: `instances/${instance}`,
      detail,
    });
  });
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

/** Pauses the parts while Orthanc is away. Shows its state in metrics and log. */
function observe(
  { events }: Availability,
  { metrics, lifecycle, log }: { metrics: Metrics; lifecycle: Lifecycle; log: Logger },
): void {
  events.on('problem', (error) => log.warn({ code: error.code }, `${error.message} Work waits.`));
  events.on('away', () => {
    metrics.orthancUp.set(0);
    lifecycle.pause();
  });
  events.on('back', ({ Version: version }) => {
    metrics.orthancUp.set(1);
    log.info({ version }, 'Orthanc answers');
  });
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
