import { bodyPartOf, type Categories, projectionOf } from '../../../anatomy/categories.js';
import {
  areNear,
  type BodyPart,
  isOftenOblique,
  isPaired,
  isWider,
  likeness,
  type Projection,
} from '../../../anatomy/regions.js';
import type { PictureSide, StudyFacts, StudyPicture } from './facts.js';

/** Whether all that the order of a study names is there. */
export type Completeness =
  | { answer: 'complete' }
  | { answer: 'incomplete'; lacks: string[] }
  | { answer: 'cannot_tell'; why: string };

type Fit = 'yes' | 'perhaps' | 'no';

interface Wanted {
  part: BodyPart;
  projection?: Projection;
  side?: PictureSide;
}

/**
 * Compares the pictures that have a category with the order. An order for several parts, or for several sides and projections,
 * does not tell for sure which goes with which. All of them of each part are more than enough; each part, each projection and
 * each side once is the least.
 */
export function completenessOf({ pictures, order }: StudyFacts, categories: Categories): Completeness {
  const parts = order.bodyParts.filter((part) => !order.bodyParts.some((other) => isWider(part, other)));
  if (parts.length === 0) return { answer: 'cannot_tell', why: 'the order names no body part' };
  const most = parts.flatMap((part) => wantedOf(part, order));
  const bestFit = (wanted: Wanted) =>
    bestOf(pictures.map((picture) => fitOf(picture, wanted, categories, order.hasUnnamedPlanes)));
  const least =
    parts.length === 1 && (order.sides.length <= 1 || order.projections.length <= 1)
      ? most.map((wanted) => ({ text: textOf(wanted), fit: bestFit(wanted) }))
      : leastOf(parts, most).map(({ text, oneOf }) => ({ text, fit: bestOf(oneOf.map(bestFit)) }));
  const textsOf = (wanted: Fit) => least.filter((each) => each.fit === wanted).map(({ text }) => text);
  const [lacks, unsure] = [textsOf('no'), textsOf('perhaps')];
  if (lacks.length > 0) return { answer: 'incomplete', lacks };
  if (most.every((wanted) => bestFit(wanted) === 'yes')) return { answer: 'complete' };
  return {
    answer: 'cannot_tell',
    why:
      unsure.length > 0
        ? `a picture may or may not be ${unsure.join(', ')}`
        : 'the order does not say for sure which body part, projection and side go together',
  };
}

const wantedOf = (part: BodyPart, { projections, sides }: StudyFacts['order']): Wanted[] =>
  (projections.length > 0 ? projections : [undefined]).flatMap((projection) =>
    (isPaired(part) ? sidesOf(sides) : [undefined]).map((side) => ({
      part,
      ...(projection === undefined ? {} : { projection }),
      ...(side === undefined ? {} : { side }),
    })),
  );

const textOf = ({ part, projection, side }: Wanted): string =>
  [part, projection, side].filter((each) => each !== undefined).join(' ');

/** Where it is not sure what goes with what: one picture of each part, of each projection and of each side. */
function leastOf(
  parts: readonly BodyPart[],
  most: readonly Wanted[],
): { text: string; oneOf: readonly Wanted[] }[] {
  const each = (['projection', 'side'] as const).flatMap((aspect) =>
    [...new Set(most.flatMap((wanted) => wanted[aspect] ?? []))].map((text) => ({
      text,
      oneOf: most.filter((wanted) => wanted[aspect] === text),
    })),
  );
  return [...parts.map((part) => ({ text: part, oneOf: [{ part }] })), ...each];
}

const sidesOf = (named: readonly PictureSide[]): (PictureSide | undefined)[] => {
  if (named.includes('both')) return ['left', 'right'];
  return named.length > 0 ? [...named] : [undefined];
};

function fitOf(
  { category, side }: StudyPicture,
  wanted: Wanted,
  categories: Categories,
  hasUnnamedPlanes: boolean,
): Fit {
  if (category === undefined) return 'no';
  const codes = categories.codesOf(category);
  // A site's own network can have categories of which nothing is known.
  if (codes === undefined) return 'perhaps';
  const part = bodyPartOf(codes);
  return worst([
    fitOfPart(part, wanted.part),
    fitOfProjection({ part, projection: projectionOf(codes) }, wanted, hasUnnamedPlanes),
    fitOfSide(side, wanted.side),
  ]);
}

const bestOf = (fits: readonly Fit[]): Fit =>
  fits.find((fit) => fit === 'yes') ?? fits.find((fit) => fit === 'perhaps') ?? 'no';

const worst = (fits: readonly Fit[]): Fit =>
  fits.find((fit) => fit === 'no') ?? fits.find((fit) => fit === 'perhaps') ?? 'yes';

function fitOfPart(shown: BodyPart | undefined, part: BodyPart): Fit {
  if (shown === undefined) return 'perhaps';
  if (shown === part || isWider(part, shown)) return 'yes';
  return areNear(shown, part) ? 'perhaps' : 'no';
}

function fitOfProjection(
  shown: { part: BodyPart | undefined; projection: Projection | undefined },
  { part, projection }: Wanted,
  hasUnnamedPlanes: boolean,
): Fit {
  if (projection === undefined) return 'yes';
  if (shown.projection === undefined) return 'perhaps';
  // The second of two planes of a hand or foot may be oblique.
  if (hasUnnamedPlanes && isOftenOblique(part) && projection === 'lateral' && shown.projection === 'oblique')
    return 'yes';
  const like = likeness(shown.projection, projection, shown.part);
  return like === 'same' ? 'yes' : like === 'similar' ? 'perhaps' : 'no';
}

function fitOfSide(shown: PictureSide | undefined, side: PictureSide | undefined): Fit {
  if (side === undefined || shown === side || shown === 'both') return 'yes';
  return shown === undefined ? 'perhaps' : 'no';
}
