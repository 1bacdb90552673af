import { otherClass } from '../classify/decide.js';
import type { Config } from '../config/options.js';
import { recordOf } from '../decisions/read.js';
import { stateLabels } from '../decisions/state-labels.js';
import { renderedPicture, renderingKey } from '../evaluate/corrected-instances.js';
import type { GroundTruth, LabelledPicture } from '../evaluate/ground-truth.js';
import { type InstanceId, instanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { shuffled } from './folds.js';

/** Newest instances of a label that are looked at, for each one that is taken. */
const choice = 4;

/**
 * Confident decisions of the network that no person has changed or confirmed, of every category alike, among the newest
 * of each: training replays them, so that the network keeps what it knows.
 * @param most instances of each category
 * @throws orthanc_…
 */
export async function confidentDecisions(
  orthanc: Orthanc,
  classes: readonly string[],
  config: Pick<Config, 'labelPrefix' | 'multiframe' | 'orthancUrl'>,
  most: number,
  seed: number,
): Promise<Pick<GroundTruth, 'pictures' | 'read' | 'keyOf'>> {
  const pictures: LabelledPicture[] = [];
  for (const category of classes) {
    const label = category === otherClass ? stateLabels.unknownView : category;
    const page = { since: 0, limit: most * choice };
    const ids = await orthanc.search.labelledNewest(config.labelPrefix + label, {}, page);
    const decided = await orthanc.hierarchy.instances(ids);
    const fit = decided
      .filter((instance) => {
        const record = recordOf(instance)?.record;
        if (record?.who !== 'network') return false;
        return category === otherClass
          ? record.decision === 'unknown_view' && record.top[0]?.category === otherClass
          : record.category === category;
      })
      .map(({ ID }): InstanceId => ID);
    const taken = shuffled(fit, (id) => id, seed).slice(0, most);
    const identifiers = await orthanc.hierarchy.identifiersByInstance(taken);
    pictures.push(
      ...taken.map((id) => {
        const patient = identifiers.get(id)?.patient;
        return { id, label: category, ...(patient === undefined ? {} : { patient }) };
      }),
    );
  }
  return {
    pictures,
    read: ({ id }) => renderedPicture(orthanc, instanceId.parse(id), config),
    keyOf: ({ id }) => renderingKey(orthanc, instanceId.parse(id), config),
  };
}
