import { otherClass } from '../classify/decide.js';
import { createError } from '../errors/errors.js';
import { groupBy } from '../evaluate/statistics.js';
import { label } from '../orthanc/ids.js';
import { patientOf, type Sample } from './sample.js';

/** How often people must have used a name before it becomes an output of the network. */
export interface Enough {
  readonly pictures: number;
  readonly patients: number;
}

/**
 * Names that become outputs of their own: people used them often enough, and the network does not have them. A network
 * without the class `other` gets it in the same way, from `other` and from the names that are too rare.
 * @throws training_impossible where a name cannot be a label
 */
export function newOutputs(
  samples: readonly Pick<Sample, 'picture'>[],
  known: readonly string[],
  enough: Enough,
): string[] {
  const isEnough = (members: readonly Pick<Sample, 'picture'>[]) =>
    members.length >= enough.pictures && new Set(members.map(patientOf)).size >= enough.patients;
  const foreign = samples.filter(({ picture }) => !known.includes(picture.label));
  const byName = [...groupBy(foreign, ({ picture }) => picture.label)].sort(([a], [b]) => (a < b ? -1 : 1));
  const isNew = ([name, members]: (typeof byName)[number]) => name !== otherClass && isEnough(members);
  const names = byName.filter(isNew).map(([name]) => name);
  const unfit = names.filter((name) => !label.safeParse(name).success);
  if (unfit.length > 0)
    throw createError('training_impossible', {
      problem: `${unfit.map((name) => `"${name}"`).join(', ')} cannot be a category: at most 64 letters, digits, _ and -; --map gives it another name`,
    });
  const rest = byName.filter((entry) => !isNew(entry)).flatMap(([, members]) => members);
  return !known.includes(otherClass) && isEnough(rest) ? [...names, otherClass] : names;
}
