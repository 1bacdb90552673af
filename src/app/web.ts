import type { Logger } from 'pino';
import type { Audit } from '../access/audit.js';
import { authenticator } from '../access/authenticate.js';
import { hookKey } from '../access/keys.js';
import { openId } from '../access/openid.js';
import { Signatures } from '../access/signature.js';
import { readTokens } from '../access/tokens.js';
import type { Classifier } from '../classify/classifier.js';
import type { Config } from '../config/options.js';
import { version } from '../config/version.js';
import { createHanger } from '../hanging/hanger.js';
import { answerSigner } from '../http/answer-signer.js';
import { Events } from '../http/api/events.js';
import { withDescription } from '../http/api/openapi.js';
import { apiOperations } from '../http/api/operations.js';
import { apiRouter } from '../http/api/router.js';
import { statusOf } from '../http/api/status.js';
import { createApp } from '../http/app.js';
import { failedAuthenticationLimiter } from '../http/failed-authentication-limiter.js';
import { healthRouter, type Readiness } from '../http/health.js';
import { hookRouter } from '../http/hook.js';
import { reviewPageRouter } from '../http/review-page.js';
import { HttpServer } from '../http/server.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { Statistics } from '../statistics/statistics.js';
import type { Store } from '../store/store.js';
import type { Work } from './work.js';

interface Parts
  extends Pick<
    Work,
    'aggregates' | 'recorder' | 'queue' | 'sweep' | 'reclassification' | 'tagger' | 'routing'
  > {
  store: Store;
  orthanc: Orthanc;
  classifier: Classifier;
  config: Config;
  /** The secret that Plainview shares with Orthanc. */
  secret: string;
  metrics: Metrics;
  audit: Audit;
  readiness: () => Readiness;
  log: Logger;
}

/** Builds the parts that serve HTTP. */
export async function createWeb(parts: Parts) {
  const { store, orthanc, classifier, config, recorder, queue, sweep, metrics, readiness, secret, log } =
    parts;
  const tokens = readTokens(config.tokensFile);
  const openid = openId(config);
  const signatures = new Signatures(secret);
  const statistics = await Statistics.open({ ...config, store, orthanc, log });
  const events = new Events((listeners) => statusOf({ readiness: readiness(), sweep, config, listeners }));
  recorder.events.on('recorded', (recorded) => {
    events.recorded(recorded);
    statistics.recorded(recorded);
  });
  const operations = apiOperations({
    ...parts,
    statistics,
    events,
    hanger: createHanger(orthanc, config, classifier.network.classes),
  });
  // One limiter for the secret and all tokens. For each sign-in, a page sends about a hundred requests.
  const limiter = failedAuthenticationLimiter(Math.max(10, Math.ceil(config.apiRate / 100)));
  const app = createApp(
    [
      answerSigner(signatures),
      healthRouter(readiness, metrics),
      reviewPageRouter(openid?.signIn),
      hookRouter({
        key: hookKey(secret),
        limiter,
        metrics,
        log,
        accept: (instance) => {
          // Another picture that comes at the same moment is in the change log.
          if (parts.tagger.isStoring(instance)) return 'own';
          queue.enqueue(instance, 'hook');
          return 'accepted';
        },
      }),
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
  return { statistics, events, server: new HttpServer(app, config) };
}
