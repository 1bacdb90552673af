import type { Logger } from 'pino';
import type { Audit } from '../../../access/audit.js';
import { knownCategories } from '../../../anatomy/categories.js';
import type { Classifier } from '../../../classify/classifier.js';
import type { Config } from '../../../config/options.js';
import { version } from '../../../config/version.js';
import { decidedEvent, type Status } from '../../../contract/review.js';
import type { Recorded, Recorder } from '../../../decisions/recorder.js';
import type { Sweep } from '../../../intake/sweep.js';
import type { Orthanc } from '../../../orthanc/orthanc.js';
import type { Queue } from '../../../queue/queue.js';
import { Statistics } from '../../../statistics/statistics.js';
import { Entries } from '../../../worklist/entries.js';
import { Worklist } from '../../../worklist/worklist.js';
import type { Readiness } from '../../health.js';
import type { Operation } from '../operation.js';
import { aboutOperations } from './about.js';
import { activationOperation } from './activation.js';
import { decisionOperations } from './decisions.js';
import { Events, eventOperations } from './events.js';
import { pictureOperations } from './pictures.js';
import { statisticsOperations } from './statistics.js';
import { worklistOperations } from './worklist.js';

interface Parts {
  orthanc: Orthanc;
  recorder: Recorder;
  queue: Queue;
  classifier: Classifier;
  config: Config;
  audit: Audit;
  sweep: Sweep;
  readiness: () => Readiness;
  log: Logger;
}

export interface Reviewing {
  operations: Operation[];
  /** A decision has been written: told to who listens, and counted. */
  recorded(recorded: Recorded): void;
  /** Ends the streams of events, so that the server can close. */
  hangUp(): void;
  end(): Promise<void>;
}

/** What people look at and put right: wires its parts together. */
export function reviewing(parts: Parts): Reviewing {
  const { orthanc, classifier, config } = parts;
  const entries = new Entries(orthanc);
  const statistics = new Statistics({ ...config, orthanc, log: parts.log });
  const events = new Events(() => status());
  const status = (): Status => {
    const { network, engine, orthanc: at, queue } = parts.readiness();
    const { state, done, total, secondsLeft } = parts.sweep.progress;
    return {
      version,
      network,
      engine,
      queue,
      sweep: { state, done, total, ...(secondsLeft === undefined ? {} : { secondsLeft }) },
      orthanc: {
        up: at.answers,
        ...(at.version === undefined ? {} : { version: at.version }),
        ...(at.problem === undefined ? {} : { why: at.problem }),
      },
      orthancPages: (config.orthancPages ?? config.orthancUrl).replace(/\/+$/, ''),
      listeners: events.count,
    };
  };
  const { classes } = classifier.network;
  return {
    operations: [
      ...aboutOperations(classes, status),
      ...worklistOperations(new Worklist(orthanc, entries, config.labelPrefix), entries),
      ...pictureOperations(orthanc.renderings, entries, config),
      activationOperation({ ...parts, entries }),
      ...decisionOperations({ ...parts, entries, categories: knownCategories(classes) }),
      ...statisticsOperations(statistics),
      ...eventOperations(events),
    ],
    recorded(recorded) {
      const { instance, study, record } = recorded;
      events.decided(decidedEvent.parse({ ...record, instance, study }));
      statistics.recorded(recorded);
    },
    hangUp: () => events.close(),
    end: () => statistics.stop(),
  };
}
