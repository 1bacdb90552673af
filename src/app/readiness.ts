import type { Classifier, Shadow } from '../classify/classifier.js';
import type { Config } from '../config/options.js';
import { detailOf } from '../errors/errors.js';
import { plainview, type Readiness } from '../http/health.js';
import type { Notices } from '../http/notices.js';
import type { Follower } from '../intake/follower.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { Queue } from '../queue/queue.js';
import type { StateProbe } from '../store/state-probe.js';
import type { Shared } from './service-interface.js';

interface Parts {
  orthanc: Orthanc;
  probe: StateProbe;
  shared: Shared | undefined;
  classifier: Classifier;
  queue: Queue;
  config: Config;
  /** Where this process takes notices of Orthanc's hook. */
  notices: Notices | undefined;
  /** Where this process follows the change log. */
  follower: Follower | undefined;
  /** Whether page and API answer here. */
  isOpen: boolean;
}

/** What `/health/ready` answers. */
export function readinessOf(parts: Parts): Readiness {
  const { orthanc, probe, shared, classifier, queue, config, follower, notices, isOpen } = parts;
  const { availability } = orthanc;
  return {
    ready:
      availability.isReady &&
      probe.problem === undefined &&
      (shared === undefined || (shared.leads ? isOpen : shared.leader !== undefined)),
    plainview,
    ...classifying(classifier),
    orthanc: {
      url: config.orthancUrl[0],
      ...availability.state,
      ...(config.orthancUrl.length > 1 ? { nodes: orthanc.nodes.states } : {}),
    },
    state: {
      writable: probe.problem === undefined,
      ...(probe.problem === undefined ? {} : { problem: probe.problem }),
      ...(probe.failure === undefined ? {} : { failure: probe.failure }),
    },
    ...(shared === undefined ? {} : { leads: shared.leads, leader: shared.leader, members: shared.members }),
    ...(follower === undefined
      ? {}
      : { changes: { behind: follower.lag.changes, secondsSinceUpToDate: follower.lag.seconds } }),
    ...(notices === undefined ? {} : { hook: notices.answer }),
    queue: queue.depth(),
  };
}

/** What classifies now, as `/health/ready` and the review page show it. */
const classifying = ({
  network,
  engine,
  shadow,
}: Classifier): Pick<Readiness, 'network' | 'engine' | 'shadow'> => ({
  network: identityOf(network),
  engine,
  ...(shadow === undefined ? {} : { shadow: shadowOf(shadow) }),
});

const identityOf = ({ name, sha256, purpose }: Classifier['network']) => ({ name, sha256, purpose });

const shadowOf = ({ network, problem }: Shadow) => ({
  ...(network === undefined ? {} : { network: identityOf(network) }),
  ...(problem === undefined ? {} : { problem: problem.message, failure: detailOf(problem) }),
});
