import { areNear, type BodyPart, isPaired, isWider, likeness, type Projection } from '../anatomy/regions.js';
import type { OrderFinding } from './schema.js';
import type { Side } from './words.js';

/** The values that one attribute gives for one aspect: body part, projection or side. */
export interface Statement<T> {
  attribute: string;
  values: ReadonlySet<T>;
}

const cannotTell = (reason: string): OrderFinding => ({ answer: 'cannot_tell', reason });

const describeStatements = <T extends string>(statements: readonly Statement<T>[]): string =>
  statements.map(({ attribute, values }) => `${attribute} says ${[...values].join(' and ')}`).join(', ');

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
  statements: readonly Statement<BodyPart>[],
): OrderFinding {
  if (statements.length === 0) return cannotTell('The description names no body part.');
  const parts = commonValues(statements, areNear);
  if (parts === undefined)
    return cannotTell(`The description contradicts itself: ${describeStatements(statements)}.`);
  if (shown === undefined) return cannotTell(`No body part was decided; ${describeStatements(statements)}.`);
  // Where a region and a part of it are both named, the part is meant.
  const narrow = parts.filter((part) => !parts.some((other) => isWider(part, other)));
  const isOneRegion = narrow.every((a) => narrow.every((b) => areNear(a, b)));
  const reason = `The picture shows ${shown}; ${describeStatements(statements)}.`;
  if (narrow.includes(shown) && narrow.every((part) => areNear(part, shown)))
    return { answer: 'agrees', reason };
  if (narrow.some((part) => areNear(part, shown)))
    return cannotTell(`${reason} ${isOneRegion ? 'These are near each other' : 'Several parts were meant'}.`);
  if (!isOneRegion) return cannotTell(`${reason} Several parts were meant.`);
  return { answer: 'differs', reason };
}

/** @param part the body part that is shown, else the one that was ordered */
export function compareProjection(
  { part, projection: shown }: { part: BodyPart | undefined; projection: Projection | undefined },
  statements: readonly Statement<Projection>[],
): OrderFinding {
  if (statements.length === 0) return cannotTell('The description names no projection.');
  const wanted = commonValues(statements, (a, b) => likeness(a, b, part) !== 'other');
  if (wanted === undefined)
    return cannotTell(`The description contradicts itself: ${describeStatements(statements)}.`);
  if (shown === undefined) return cannotTell(`No projection was decided; ${describeStatements(statements)}.`);
  const reason = `The projection is ${shown}; ${describeStatements(statements)}.`;
  const likes = wanted.map((each) => likeness(each, shown, part));
  if (likes.includes('same')) return { answer: 'agrees', reason };
  if (likes.includes('similar')) return cannotTell(`${reason} These resemble each other.`);
  if (wanted.length > 1) return cannotTell(`${reason} Several projections were meant.`);
  return { answer: 'differs', reason };
}

/** Compares the sides that DICOM attributes give with each other. The network does not classify the side. */
export function compareSide(
  part: BodyPart | undefined,
  statements: readonly Statement<Side>[],
): OrderFinding {
  if (part !== undefined && !isPaired(part)) return cannotTell(`${part} has no side.`);
  if (statements.length === 0) return cannotTell('The description names no side.');
  if (statements.length === 1)
    return cannotTell(`Nothing to compare: only ${describeStatements(statements)}.`);
  const sides = statements.map(({ values }) => (values.size === 1 ? [...values][0] : 'both'));
  const answer = sides.includes('right') && sides.includes('left') ? 'differs' : 'agrees';
  return { answer, reason: `${describeStatements(statements)}.` };
}
