import type { Logger } from 'pino';
import type { Audit } from '../../access/audit.js';
import type { Categories } from '../../anatomy/categories.js';
import type { Classifier } from '../../classify/classifier.js';
import type { Config } from '../../config/options.js';
import type { Aggregates } from '../../decisions/aggregates.js';
import type { CategoryLabels } from '../../decisions/proposals.js';
import type { Recorder } from '../../decisions/recorder.js';
import type { Drift } from '../../drift/drift.js';
import type { Routing } from '../../followups/routing/routing.js';
import type { Tagger } from '../../followups/tags/tagger.js';
import type { Hanger } from '../../hanging/hanger.js';
import type { ReclassificationJobs } from '../../intake/reclassification/jobs.js';
import type { Sweep } from '../../intake/sweep.js';
import type { Metrics } from '../../metrics/metrics.js';
import type { Networks } from '../../networks/networks.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { QualityReports } from '../../quality/job.js';
import type { Queue } from '../../queue/queue.js';
import type { Statistics } from '../../statistics/statistics.js';
import { Entries } from '../../worklist/entries.js';
import { Worklist } from '../../worklist/worklist.js';
import type { Readiness } from '../health.js';
import { aboutOperations, type SearchWords } from './about.js';
import { activationOperation } from './activation.js';
import { confirmationOperations } from './confirmations.js';
import { correctionOperations } from './corrections.js';
import { dismissalOperation } from './dismissal.js';
import { driftOperations } from './drift.js';
import { type Events, eventOperations } from './events.js';
import { hangingOperations } from './hanging.js';
import { networkOperations } from './networks.js';
import type { Operation } from './operation.js';
import { pictureOperations } from './pictures.js';
import { qualityOperations } from './quality.js';
import { reclassificationOperations } from './reclassification.js';
import { resendRoutesOperations } from './resend-routes.js';
import { statisticsOperations } from './statistics.js';
import { statusOperation } from './status.js';
import { sweepOperations } from './sweep.js';
import { undoTagsOperations } from './undo-tags.js';
import { worklistOperations } from './worklist.js';

export interface ApiParts {
  orthanc: Orthanc;
  classifier: Classifier;
  networks: Networks;
  categories: Categories;
  words: SearchWords;
  /** How the categories are named as labels. */
  names: CategoryLabels;
  aggregates: Aggregates;
  recorder: Recorder;
  queue: Queue;
  sweep: Sweep;
  reclassification: ReclassificationJobs;
  tagger: Tagger;
  /** Absent where there are no rules. */
  routing: Routing | undefined;
  hanger: Hanger;
  statistics: Statistics;
  quality: QualityReports;
  drift: Drift;
  events: Events;
  audit: Audit;
  metrics: Metrics;
  readiness: () => Readiness;
  config: Config;
  log: Logger;
}

/** All operations of the API. Router and OpenAPI document are made from this list. */
export function apiOperations(parts: ApiParts): Operation[] {
  const { orthanc, config, audit, classifier, names } = parts;
  const entries = new Entries(orthanc, names);
  return [
    ...aboutOperations(parts.categories, () => classifier.network.classes, parts.words),
    statusOperation(parts.events),
    ...worklistOperations({ ...parts, entries, list: new Worklist(orthanc, entries, config.labelPrefix) }),
    ...pictureOperations({ renderings: orthanc.renderings, entries, config, audit }),
    activationOperation({ ...parts, entries }),
    ...correctionOperations({ ...parts, entries }),
    ...confirmationOperations(parts),
    dismissalOperation(parts.aggregates, audit),
    ...networkOperations(parts.networks, audit),
    ...statisticsOperations(parts.statistics),
    ...qualityOperations(parts.quality, audit),
    ...driftOperations(parts.drift, audit),
    ...eventOperations(parts.events),
    ...sweepOperations(parts),
    ...reclassificationOperations(parts.reclassification, audit),
    ...undoTagsOperations(parts.tagger, audit),
    ...resendRoutesOperations(parts.routing, audit),
    ...hangingOperations(parts.hanger, parts.categories),
  ];
}
