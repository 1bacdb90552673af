import { auditTrail } from '../access/audit.js';
import { deriveKey } from '../access/keys.js';
import { Categories } from '../anatomy/categories.js';
import type { DecidingClassifier } from '../classify/deciding.js';
import type { Config } from '../config/options.js';
import { commit, version } from '../config/version.js';
import { requireLabels } from '../decisions/labels.js';
import { RequestSeal } from '../decisions/request-seal.js';
import { asPlainviewError, createError, type PlainviewError } from '../errors/errors.js';
import type { BackOff } from '../followups/routing/outbox.js';
import type { Events } from '../http/api/events.js';
import { createApp } from '../http/app.js';
import { Notices } from '../http/notices.js';
import { HttpServer } from '../http/server.js';
import { startingRouter } from '../http/starting.js';
import type { Follower } from '../intake/follower.js';
import { requireSameArchive } from '../intake/same-archive.js';
import { Metrics } from '../metrics/metrics.js';
import { Networks } from '../networks/networks.js';
import { mayFreeze, requireCapabilities, warningsOf } from '../orthanc/capabilities.js';
import type { Heartbeat } from '../orthanc/node-health.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { lockFolder } from '../store/folder-lock.js';
import { StateProbe } from '../store/state-probe.js';
import { Suspects } from '../store/suspects.js';
import type { Tracing } from '../tracing/tracing.js';
import { inFolder } from './in-folder.js';
import { Leadership } from './leadership.js';
import { createLeading, goOn } from './leading.js';
import { Lifecycle, type Part } from './lifecycle.js';
import { Monitor } from './monitor.js';
import { auditEnded, logNetwork, logNodes, observe } from './observers.js';
import { readinessOf } from './readiness.js';
import { Relay } from './relay.js';
import { requireFiles } from './required-files.js';
import type { Service, State } from './service-interface.js';
import type { ServiceLog } from './service-log.js';
import { settingsOf } from './settings.js';
import { startShared } from './shared.js';
import { createMemberDoor, createWeb } from './web.js';
import { createWork } from './work.js';

/** What the service tells of itself: log and traces. */
type Output = Pick<ServiceLog, 'log'> & Partial<Pick<ServiceLog, 'dropped'>> & { tracing?: Tracing };

/** Waits that no option sets. */
export interface Timings {
  heartbeat?: Heartbeat;
  routeBackOff?: BackOff;
  /** Between two looks at the state folder and the change log, milliseconds. */
  monitorMs?: number;
  /** Between two counts of what waits for people, milliseconds. */
  backlogMs?: number;
}

/**
 * Builds and starts the service. It processes jobs as soon as Orthanc has answered.
 * @param classifier the caller closes it after the service has stopped
 * @param timings only tests give others than the default
 * @param onlyWorks it shares an archive with others, never leads, and has no hook, API and page
 * @throws config_invalid, state_in_use, state_unusable, rules_invalid, cannot_listen. With a database, `ready` rejects with
 *   database_… and what depends on the state.
 */
export async function startService(
  config: Config,
  classifier: DecidingClassifier,
  output: Output,
  timings: Timings = {},
  onlyWorks = false,
): Promise<Service> {
  const { secret } = config;
  const { log } = output;
  if (secret === undefined)
    throw createError('config_invalid', {
      problems: [
        'PLAINVIEW_SECRET, or PLAINVIEW_SECRET_FILE: must be set, to the same value as in the environment of Orthanc (`openssl rand -hex 24` makes one)',
      ],
    });
  const { ofSite } = Categories.read(config.viewsFile);
  requireLabels('PLAINVIEW_NETWORK', classifier.network.classes, config.labelPrefix);
  requireLabels('PLAINVIEW_VIEWS_FILE', [...ofSite.keys()], config.labelPrefix);
  logNetwork(classifier, config, log);
  const server = new HttpServer(createApp([startingRouter()], log.child({}, { level: 'error' })), config);
  const startWork = (state: State) =>
    startOn(state, { config: { ...config, secret }, server, classifier, output, timings, onlyWorks });
  const { databaseUrl, stateDir } = config;
  if (databaseUrl !== undefined) requireFiles(config, classifier.network);
  // Before any part reads its state: another service may be about to write it.
  const lock = await lockFolder(stateDir, log);
  try {
    const service =
      databaseUrl === undefined
        ? await startWork(inFolder(stateDir))
        : await startShared(
            { ...config, databaseUrl },
            {
              server,
              mayLead: !onlyWorks,
              settings: settingsOf(config, classifier, !onlyWorks),
              log,
            },
            startWork,
          );
    return {
      get url() {
        return service.url;
      },
      ready: service.ready,
      lost: service.lost,
      longestRun: () => service.longestRun(),
      stop: () => service.stop().finally(lock.release),
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

interface Parts {
  config: Config & { secret: string };
  server: HttpServer;
  classifier: DecidingClassifier;
  output: Output;
  timings: Timings;
  onlyWorks: boolean;
}

async function startOn(
  state: State,
  { config, server, classifier, output: { log, dropped, tracing }, timings, onlyWorks }: Parts,
): Promise<Service> {
  const { store, shared } = state;
  const { secret } = config;
  const orthanc = new Orthanc(
    { ...config, confirm: shared && (() => shared.confirm()) },
    timings.heartbeat,
    new Suspects(store, log),
  );
  const { availability } = orthanc;
  const metrics = new Metrics();
  metrics.observeProcess();
  metrics.observed.versions({ version, commit }, classifier);
  if (dropped !== undefined) metrics.observeLog(dropped);
  const audit = auditTrail(config, log, (entries) => metrics.auditLost.inc(entries), state.audit);
  const seal = new RequestSeal(deriveKey(secret, 'seal'));
  const relay = shared && new Relay(shared, log);
  const work = createWork({
    ...state,
    orthanc,
    classifier,
    config,
    seal,
    metrics,
    tracing,
    routeBackOff: timings.routeBackOff,
    relayRoute: relay && ((instance, to) => relay.route(instance, to)),
    log,
  });
  const { queue, routing } = work;
  relay?.tell(work.recorder);
  auditEnded(work.recorder, audit);
  const probe = new StateProbe(store, state.place);
  metrics.observed.state(probe);
  if (shared !== undefined) metrics.observed.members(shared);

  if (config.orthancUrl.length > 1) metrics.observed.nodes(orthanc.nodes);
  logNodes(orthanc.nodes, log);
  let leading: { follower: Follower; events: Events } | undefined;
  let member: ReturnType<typeof createMemberDoor> | undefined;
  /** Whether page and API answer here. */
  let isOpen = false;
  const notices = new Notices();
  if (!onlyWorks) metrics.observed.hook(notices);
  const readiness = () =>
    readinessOf({
      orthanc,
      probe,
      shared,
      classifier,
      queue,
      config,
      follower: leading?.follower,
      notices: onlyWorks ? undefined : notices,
      isOpen,
    });
  const networks = new Networks({
    config,
    classifier,
    store,
    check: (network) => {
      requireLabels('the network', network.classes, config.labelPrefix);
      requireFiles(config, network);
    },
    onSwitched: () => {
      work.categories.declare(classifier.network.views);
      logNetwork(classifier, config, log);
    },
  });
  const door = {
    ...work,
    networks,
    store,
    orthanc,
    classifier,
    config,
    secret,
    metrics,
    notices,
    audit,
    readiness,
    log,
  };
  const leadership = new Leadership(async () => {
    const parts = await createLeading({
      work,
      store,
      orthanc,
      classifier,
      config,
      seal,
      metrics,
      backlogMs: timings.backlogMs,
      log,
    });
    const web = await createWeb({ ...door, ...parts });
    metrics.observed.lag(parts.follower);
    leading = { follower: parts.follower, events: web.events };
    shared?.events.on('ended', () => void goOn(parts.settling, routing, log));
    const opening: Part = {
      start: () => {
        server.app = web.app;
        isOpen = true;
      },
    };
    const relayed = relay === undefined ? [] : [relay.receive(work.recorder, routing)];
    return [...web.watching, ...parts.parts, ...relayed, opening];
  });
  /** Some Orthancs hang where two processes read and replace files at the same time. */
  let mustBeAlone = false;
  const taking: Part = {
    start: () => queue.start?.(),
    pause: () => queue.pause(),
    resume: () => {
      if (shared === undefined || shared.leads || !mustBeAlone) queue.resume();
    },
    stop: (deadline) => queue.stop(deadline),
  };
  const serving: Part = {
    start: () => (server.isListening ? undefined : server.start()),
    stop: (deadline) => {
      leading?.events.stop();
      member?.stop();
      return server.stop(deadline);
    },
  };
  // The parts that fill the queue come before it, so they stop after it and see all jobs that it settles.
  const lifecycle = new Lifecycle([
    networks,
    new Monitor({
      probe,
      measureLag: async () => leading?.follower.measureLag(),
      intervalMs: timings.monitorMs,
      log,
    }),
    work.inWork,
    { resume: () => routing?.checkDestinations() },
    work.reconciler,
    ...(shared === undefined ? [{ start: () => leadership.begin() }] : []),
    leadership,
    taking,
    serving,
  ]);

  observe(availability, { metrics, lifecycle, log });

  const stop = async () => {
    availability.stop();
    const deadline = AbortSignal.timeout(config.shutdownSeconds * 1000);
    // Calls that Orthanc has not answered by then are left to the next start. An Orthanc that is away is not waited for.
    deadline.addEventListener('abort', () => orthanc.close(), { once: true });
    if (!availability.isReady) orthanc.close();
    await lifecycle.stop(deadline).finally(() => orthanc.close());
    const { waiting, running, delayed } = queue.depth();
    log.info({ givenBack: waiting + running + delayed }, 'stopped');
  };
  let onLost = (_: PlainviewError): void => undefined;
  const lost: Service['lost'] = new Promise((resolve) => {
    onLost = resolve;
  });
  // No job runs before Orthanc has answered. Notices wait in the queue.
  lifecycle.pause();
  if (shared !== undefined) {
    member = createMemberDoor({ ...door, shared, onlyWorks });
    server.app = member.app;
    const lead = async () => {
      await leadership.begin();
      if (availability.isReady) taking.resume?.();
    };
    const onLeads = () => void lead().catch((error: unknown) => onLost(asPlainviewError(error)));
    shared.events.on('leads', onLeads);
    if (shared.leads) onLeads();
    availability.events.on('back', () => shared.reachesOrthanc(true));
    availability.events.on('away', () => shared.reachesOrthanc(false));
    shared.events.on('members', (members) => orthanc.shareRate(members));
    orthanc.shareRate(shared.members);
  }
  try {
    await lifecycle.start();
  } catch (error) {
    await stop();
    throw error;
  }
  const { url } = server;
  if (shared === undefined) log.info({ url }, 'listening');
  const ready = availability.start(async (system) => {
    requireCapabilities(system, config);
    for (const { code, message } of warningsOf(system, await orthanc.plugins(), config))
      log.warn({ code }, message);
    if (shared !== undefined && !shared.leads) await requireSameArchive(orthanc, store, log);
    mustBeAlone = mayFreeze(system, config);
    await lifecycle.resume();
  });
  return { url, ready, lost, longestRun: () => queue.longestRun(), stop };
}
