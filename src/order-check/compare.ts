import { areNear, type BodyPart, isPaired, isWider, type Projection, resemble } from '../anatomy/regions.js';
import type { OrderFinding } from './schema.js';
import type { Side } from './words.js';

/** What one attribute says about one aspect: body part, projection or side. */
export interface Saying<T> {
  attribute: string;
  says: ReadonlySet<T>;
}

const cannotTell = (reason: string): OrderFinding => ({ answer: 'cannot_tell', reason });

const quoted = <T extends string>(sayings: readonly Saying<T>[]): string =>
  sayings.map(({ attribute, says }) => `${attribute} says ${[...says].join(' and ')}`).join(', ');

/**
 * What the attributes mean together: what all of them allow. If nothing is left but all are near each other: all.
 * @returns undefined where they contradict each other
 */
function meant<T>(sayings: readonly Saying<T>[], near: (a: T, b: T) => boolean): T[] | undefined {
  const all = [...new Set(sayings.flatMap(({ says }) => [...says]))];
  const common = all.filter((each) => sayings.every(({ says }) => says.has(each)));
  if (common.length > 0) return common;
  return all.every((a) => all.every((b) => near(a, b))) ? all : undefined;
}

/** @param shown the body part of the decision; undefined where none was given, or it has no codes */
export function compareBodyPart(
  shown: BodyPart | undefined,
  sayings: readonly Saying<BodyPart>[],
): OrderFinding {
  if (sayings.length === 0) return cannotTell('The description names no body part.');
  const parts = meant(sayings, areNear);
  if (parts === undefined) return cannotTell(`The description contradicts itself: ${quoted(sayings)}.`);
  if (shown === undefined) return cannotTell(`No body part was decided; ${quoted(sayings)}.`);
  // Where a region and a part of it are named, the part is meant.
  const narrow = parts.filter((part) => !parts.some((other) => isWider(part, other)));
  const isOneRegion = narrow.every((a) => narrow.every((b) => areNear(a, b)));
  const reason = `The picture shows ${shown}; ${quoted(sayings)}.`;
  if (narrow.includes(shown) && narrow.every((part) => areNear(part, shown)))
    return { answer: 'agrees', reason };
  if (narrow.some((part) => areNear(part, shown)))
    return cannotTell(`${reason} ${isOneRegion ? 'These are near each other' : 'Several parts were meant'}.`);
  if (!isOneRegion) return cannotTell(`${reason} Several parts were meant.`);
  return { answer: 'differs', reason };
}

export function compareProjection(
  shown: Projection | undefined,
  sayings: readonly Saying<Projection>[],
): OrderFinding {
  if (sayings.length === 0) return cannotTell('The description names no projection.');
  const wanted = meant(sayings, resemble);
  if (wanted === undefined) return cannotTell(`The description contradicts itself: ${quoted(sayings)}.`);
  if (shown === undefined) return cannotTell(`No projection was decided; ${quoted(sayings)}.`);
  const reason = `The projection is ${shown}; ${quoted(sayings)}.`;
  if (wanted.includes(shown)) return { answer: 'agrees', reason };
  if (wanted.some((each) => resemble(each, shown))) return cannotTell(`${reason} These resemble each other.`);
  if (wanted.length > 1) return cannotTell(`${reason} Several projections were meant.`);
  return { answer: 'differs', reason };
}

/** The picture itself is not looked at: what DICOM says about the side is compared with itself. */
export function compareSide(part: BodyPart | undefined, sayings: readonly Saying<Side>[]): OrderFinding {
  if (part !== undefined && !isPaired(part)) return cannotTell(`${part} has no side.`);
  if (sayings.length === 0) return cannotTell('The description names no side.');
  if (sayings.length === 1) return cannotTell(`Nothing to compare: only ${quoted(sayings)}.`);
  const sides = sayings.map(({ says }) => (says.size === 1 ? [...says][0] : 'both'));
  const answer = sides.includes('right') && sides.includes('left') ? 'differs' : 'agrees';
  return { answer, reason: `${quoted(sayings)}.` };
}
