import { otherClass } from '../classify/decide.js';
import { labelRule, unfitLabels } from '../decisions/labels.js';
import { createError } from '../errors/errors.js';
import { groupBy } from '../evaluate/statistics.js';
import type { GroupedSample } from './distinct.js';

/** How often people must have used a name before it becomes an output of the network. */
export interface Enough {
  readonly pictures: number;
  readonly patients: number;
}

type Named = Pick<GroupedSample, 'picture' | 'group'>;

/**
 * Names that become outputs of their own: people used them often enough, and the network does not have them. A network
 * without the class `other` gets it in the same way, from `other` and from the names that are too rare.
 * @throws training_impossible where a name cannot be a label
 */
export function newOutputs(
  samples: readonly Named[],
  known: readonly string[],
  enough: Enough,
  labelPrefix: string,
): string[] {
  const isEnough = (members: readonly Named[]) =>
    members.length >= enough.pictures && new Set(members.map(({ group }) => group)).size >= enough.patients;
  const foreign = samples.filter(({ picture }) => !known.includes(picture.label));
  const byName = [...groupBy(foreign, ({ picture }) => picture.label)].sort(([a], [b]) => (a < b ? -1 : 1));
  const isNew = ([name, members]: (typeof byName)[number]) => name !== otherClass && isEnough(members);
  const names = byName.filter(isNew).map(([name]) => name);
  const unfit = unfitLabels(names, labelPrefix);
  if (unfit.length > 0)
    throw createError('training_impossible', {
      problem: `${unfit.map((name) => `"${name}"`).join(', ')} cannot be a label in Orthanc: ${labelRule}; --map gives it another name`,
    });
  const rest = byName.filter((entry) => !isNew(entry)).flatMap(([, members]) => members);
  return !known.includes(otherClass) && isEnough(rest) ? [...names, otherClass] : names;
}
