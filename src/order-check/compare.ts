import {
  areNear,
  type BodyPart,
  isPaired,
  isWider,
  likeness,
  type Projection,
  showsOneSide,
} from '../anatomy/regions.js';
import { finding, type Statement } from './reasons.js';
import type { OrderFinding } from './schema.js';
import type { Side } from './words.js';

/**
 * The values that all attributes have in common. If there are none, but all values are near each other: all values.
 * @returns undefined where the attributes contradict each other
 */
function commonValues<T>(
  statements: readonly Statement<T>[],
  near: (a: T, b: T) => boolean,
): T[] | undefined {
  const all = [...new Set(statements.flatMap(({ values }) => [...values]))];
  const common = all.filter((each) => statements.every(({ values }) => values.has(each)));
  if (common.length > 0) return common;
  return all.every((a) => all.every((b) => near(a, b))) ? all : undefined;
}

/** @param shown the body part of the decision; undefined where it has none, or its category has no codes */
export function compareBodyPart(
  shown: BodyPart | undefined,
  said: readonly Statement<BodyPart>[],
): OrderFinding {
  if (said.length === 0) return finding('cannot_tell', 'no_part_named');
  const parts = commonValues(said, areNear);
  if (parts === undefined) return finding('cannot_tell', 'contradictory', said);
  if (shown === undefined) return finding('cannot_tell', 'part_undecided', said);
  // Where a region and a part of it are both named, the part is meant.
  const narrow = parts.filter((part) => !parts.some((other) => isWider(part, other)));
  const isOneRegion = narrow.every((a) => narrow.every((b) => areNear(a, b)));
  if (narrow.includes(shown) && narrow.every((part) => areNear(part, shown)))
    return finding('agrees', 'part', said, shown);
  if (!isOneRegion) return finding('cannot_tell', 'parts', said, shown);
  if (narrow.some((part) => areNear(part, shown))) return finding('cannot_tell', 'part_near', said, shown);
  return finding('differs', 'part', said, shown);
}

/** @param part the body part that is shown, else the one that was ordered */
export function compareProjection(
  { part, projection: shown }: { part: BodyPart | undefined; projection: Projection | undefined },
  said: readonly Statement<Projection>[],
): OrderFinding {
  if (said.length === 0) return finding('cannot_tell', 'no_projection_named');
  const wanted = commonValues(said, (a, b) => likeness(a, b, part) !== 'other');
  if (wanted === undefined) return finding('cannot_tell', 'contradictory', said);
  if (shown === undefined) return finding('cannot_tell', 'projection_undecided', said);
  const likes = wanted.map((each) => likeness(each, shown, part));
  if (likes.includes('same')) return finding('agrees', 'projection', said, shown);
  if (likes.includes('similar')) return finding('cannot_tell', 'projection_similar', said, shown);
  if (wanted.length > 1) return finding('cannot_tell', 'projections', said, shown);
  return finding('differs', 'projection', said, shown);
}

/**
 * Compares the sides that DICOM attributes give with each other, and with the marker on the film.
 * @param marked what the marker says; of a part whose films often show both sides, it says nothing of the order
 */
export function compareSide(
  part: BodyPart | undefined,
  said: readonly Statement<Side>[],
  marked?: Exclude<Side, 'both'>,
): OrderFinding {
  if (part !== undefined && !isPaired(part)) return finding('cannot_tell', 'unpaired', [], part);
  if (said.length === 0) return finding('cannot_tell', 'no_side_named');
  if (marked !== undefined && part !== undefined && showsOneSide(part)) {
    const only = said.map(({ values }) => (values.size === 1 ? [...values][0] : 'both'));
    if (only.includes(marked === 'right' ? 'left' : 'right'))
      return finding('differs', 'marker', said, marked);
    if (only.every((each) => each === marked)) return finding('agrees', 'marker', said, marked);
  }
  if (said.length === 1) return finding('cannot_tell', 'one_side', said);
  const sides = said.map(({ values }) => (values.size === 1 ? [...values][0] : 'both'));
  return finding(sides.includes('right') && sides.includes('left') ? 'differs' : 'agrees', 'sides', said);
}
