import type { Logger } from 'pino';
import type { Audit } from '../access/audit.js';
import { authenticator } from '../access/authenticate.js';
import { readTokens } from '../access/tokens.js';
import { knownCategories } from '../anatomy/categories.js';
import type { Classifier } from '../classify/classifier.js';
import type { Config } from '../config/options.js';
import { version } from '../config/version.js';
import { createHanger } from '../hanging/hanger.js';
import { described } from '../http/api/openapi.js';
import { apiRouter } from '../http/api/router.js';
import { createApp } from '../http/app.js';
import { failedAuthenticationLimiter } from '../http/failed-authentication-limiter.js';
import { healthRouter, type Readiness } from '../http/health.js';
import { hookRouter } from '../http/hook.js';
import { reviewPageRouter } from '../http/review-page.js';
import { HttpServer } from '../http/server.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { Statistics } from '../statistics/statistics.js';
import type { Work } from './work.js';

interface Given
  extends Pick<Work, 'recorder' | 'queue' | 'sweep' | 'reclassification' | 'tagger' | 'routing'> {
  orthanc: Orthanc;
  classifier: Classifier;
  config: Config;
  /** Shared with Orthanc. */
  secret: string;
  metrics: Metrics;
  audit: Audit;
  readiness: () => Readiness;
  log: Logger;
}
