import type { Logger } from 'pino';
import { type Classifier, createClassifier } from '../classify/classifier.js';
import { DecidingClassifier } from '../classify/deciding.js';
import type { Config } from '../config/options.js';
import { asPlainviewError, createError } from '../errors/errors.js';
import { lastChoice, placeOfChoices } from './choice.js';
import { serviceOptions } from './classifier-options.js';

/**
 * Loads the network of the service: the one that was chosen, else PLAINVIEW_NETWORK.
 * @param cancelled ends the start
 * @param onStarting as of `createClassifier`
 * @throws network_lost where the chosen one cannot be used; as `createClassifier` does; state_damaged, state_unusable
 */
export async function openClassifier(
  config: Config,
  log: Logger,
  cancelled?: AbortSignal,
  onStarting?: () => void,
): Promise<DecidingClassifier> {
  const chosen = await lastChoice(config);
  if (chosen === undefined) {
    log.info({ network: config.network }, 'PLAINVIEW_NETWORK decides: no network was chosen in its place');
    return new DecidingClassifier(
      await createClassifier({ ...serviceOptions(config), onStarting }, cancelled),
    );
  }
  const { name, who, when, sha256 } = chosen;
  log.info(
    { network: name, who, when },
    'this network decides, because it was chosen by `plainview network use`: PLAINVIEW_NETWORK has no effect',
  );
  let classifier: Classifier;
  try {
    classifier = await createClassifier({ ...serviceOptions(config, name), onStarting }, cancelled);
  } catch (caught) {
    if (cancelled?.aborted) throw caught;
    const why = asPlainviewError(caught).message;
    throw createError('network_lost', { name, place: placeOfChoices(config.stateDir), why }, caught);
  }
  if (classifier.network.sha256 !== sha256)
    log.warn(
      { network: name, chosen: sha256, now: classifier.network.sha256 },
      'the file of this network is not the one that was chosen: choose it again, or put the former file back',
    );
  return new DecidingClassifier(classifier);
}
