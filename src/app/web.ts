import type { Logger } from 'pino';
import type { Audit } from '../access/audit.js';
import { authenticator } from '../access/authenticate.js';
import { clientAddress } from '../access/forwarded.js';
import { hookKey } from '../access/keys.js';
import { openId } from '../access/openid.js';
import { Signatures } from '../access/signature.js';
import { readTokens } from '../access/tokens.js';
import type { Classifier } from '../classify/classifier.js';
import type { Config } from '../config/options.js';
import { version } from '../config/version.js';
import { runOf } from '../decisions/read.js';
import { Drift } from '../drift/drift.js';
import { Notifier } from '../drift/notifier.js';
import { createError } from '../errors/errors.js';
import { createHanger } from '../hanging/hanger.js';
import { answerSigner } from '../http/answer-signer.js';
import { Events } from '../http/api/events.js';
import { withDescription } from '../http/api/openapi.js';
import { apiOperations } from '../http/api/operations.js';
import { apiRouter } from '../http/api/router.js';
import { statusOf } from '../http/api/status.js';
import { createApp } from '../http/app.js';
import {
  type FailedAuthenticationLimiter,
  failedAuthenticationLimiter,
} from '../http/failed-authentication-limiter.js';
import { forwarder } from '../http/forward.js';
import { healthRouter, type Readiness } from '../http/health.js';
import { hookRouter } from '../http/hook.js';
import type { Notices } from '../http/notices.js';
import { reviewPageRouter } from '../http/review-page.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Networks } from '../networks/networks.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { QualityReports } from '../quality/job.js';
import { Statistics } from '../statistics/statistics.js';
import { verdictOf } from '../statistics/verdict.js';
import type { Store } from '../store/store.js';
import type { Leading } from './leading.js';
import type { Shared } from './service-interface.js';
import type { Work } from './work.js';

interface Door
  extends Pick<
    Work,
    'names' | 'categories' | 'words' | 'aggregates' | 'recorder' | 'queue' | 'tagger' | 'routing'
  > {
  store: Store;
  orthanc: Orthanc;
  classifier: Classifier;
  networks: Networks;
  config: Config;
  /** The secret that Plainview shares with Orthanc. */
  secret: string;
  metrics: Metrics;
  notices: Notices;
  audit: Audit;
  readiness: () => Readiness;
  log: Logger;
}

interface Parts extends Door, Pick<Leading, 'sweep' | 'reclassification'> {}

/** Builds the parts that serve HTTP: of the one process of an archive, or of the one that leads. */
export async function createWeb(parts: Parts) {
  const { store, orthanc, classifier, categories, config, recorder, sweep, metrics, readiness, secret, log } =
    parts;
  const tokens = readTokens(config.tokensFile);
  const openid = openId(config);
  const signatures = new Signatures(secret);
  const statistics = await Statistics.open({
    modalities: config.modalities,
    labelPrefix: config.labelPrefix,
    classifier,
    store,
    orthanc,
    log,
  });
  const quality = await QualityReports.open({ orthanc, categories, config, store, log });
  const drift = await Drift.open(store, () => runOf(classifier.network), log);
  metrics.observed.drift(drift);
  const events = new Events((listeners) => statusOf({ readiness: readiness(), sweep, config, listeners }));
  recorder.events.on('recorded', (recorded) => {
    events.recorded(recorded);
    statistics.recorded(recorded);
    drift.recorded(recorded);
    const verdict = verdictOf(recorded, classifier.network.classes);
    if (verdict !== undefined) metrics.corrections.inc(verdict);
  });
  const operations = apiOperations({
    ...parts,
    statistics,
    quality,
    drift,
    events,
    hanger: createHanger(orthanc, config, parts.categories, classifier.network.classes),
  });
  // One limiter for the secret and all tokens. For each sign-in, a page sends about a hundred requests.
  const limiter = failedAuthenticationLimiter(Math.max(10, Math.ceil(config.apiRate / 100)), (request) =>
    clientAddress(secret, request),
  );
  const app = createApp(
    [
      answerSigner(signatures),
      healthRouter(readiness, metrics),
      reviewPageRouter(openid?.signIn),
      hook(parts, limiter),
      apiRouter(withDescription(operations, version), {
        authenticate: authenticator(signatures, tokens, openid?.verify),
        limiter,
        perMinute: config.apiRate,
        audit: parts.audit,
        log,
      }),
    ],
    log,
    openid?.signIn === undefined ? [] : [openid.origin],
  );
  const notifier = notifierOf(drift, config, log);
  return {
    watching: [statistics, quality, drift, ...(notifier === undefined ? [] : [notifier])],
    events,
    app,
  };
}

/** @throws config_invalid where only one of the two options is set */
function notifierOf(drift: Drift, { driftWebhook: url, driftWebhookSecret: secret }: Config, log: Logger) {
  if (url === undefined && secret === undefined) return undefined;
  if (url === undefined || secret === undefined)
    throw createError('config_invalid', {
      problems: ['PLAINVIEW_DRIFT_WEBHOOK and PLAINVIEW_DRIFT_WEBHOOK_SECRET: set both or none'],
    });
  return new Notifier(drift, { url, secret }, log);
}

/**
 * Of a process that does not lead: it takes notices, and forwards all else to the leader.
 * @returns `stop`: breaks off what the leader still has to answer
 */
export function createMemberDoor(parts: Door & { shared: Shared; onlyWorks: boolean }) {
  const { shared, onlyWorks, readiness, metrics, secret, log } = parts;
  const health = healthRouter(readiness, metrics);
  let until = new AbortController();
  const stop = () => {
    until.abort();
    until = new AbortController();
  };
  if (onlyWorks) return { app: createApp([health], log), stop };
  // One that leads no longer may hang, and never answer.
  shared.events.on('leader', stop).on('leads', stop);
  const leader = () =>
    shared.leads || shared.leader === undefined ? undefined : { url: shared.leader.url, until: until.signal };
  const limiter = failedAuthenticationLimiter(10);
  return { app: createApp([health, hook(parts, limiter), forwarder({ leader, secret, log })], log), stop };
}

const hook = (
  {
    tagger,
    queue,
    metrics,
    notices,
    secret,
    log,
  }: Pick<Door, 'tagger' | 'queue' | 'metrics' | 'notices' | 'secret' | 'log'>,
  limiter: FailedAuthenticationLimiter,
) =>
  hookRouter({
    key: hookKey(secret),
    limiter,
    metrics,
    notices,
    log,
    accept: (instance) => {
      // Another picture that comes at the same moment is in the change log.
      if (tagger.isStoring(instance)) return 'own';
      queue.enqueue(instance, 'hook');
      return 'accepted';
    },
  });
