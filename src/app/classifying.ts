import type { Classifier, Shadow } from '../classify/classifier.js';
import type { Readiness } from '../http/health.js';

/** What classifies now, as `/health/ready` and the review page show it. */
export const classifying = ({
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
  ...(problem === undefined ? {} : { problem: problem.message }),
});
