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

/** Compares the pictures that have a category with the order. */
export function completenessOf({ pictures, order }: StudyFacts, categories: Categories): Completeness {
  const parts = order.bodyParts.filter((part) => !order.bodyParts.some((other) => isWider(part, other)));
  if (parts.length === 0) return { answer: 'cannot_tell', why: 'the order names no body part' };
  const lacks: string[] = [];
  const unsure: string[] = [];
  for (const part of parts)
    for (const projection of order.projections.length > 0 ? order.projections : [undefined])
      for (const side of isPaired(part) ? sidesOf(order.sides) : [undefined]) {
        const wanted: Wanted = {
          part,
          ...(projection === undefined ? {} : { projection }),
          ...(side === undefined ? {} : { side }),
        };
        const fits = pictures.map((picture) => fitOf(picture, wanted, categories, order.hasUnnamedPlanes));
        const text = [part, projection, side].filter((each) => each !== undefined).join(' ');
        if (!fits.includes('yes')) (fits.includes('perhaps') ? unsure : lacks).push(text);
      }
  if (lacks.length > 0) return { answer: 'incomplete', lacks };
  return unsure.length > 0
    ? { answer: 'cannot_tell', why: `a picture may or may not be ${unsure.join(', ')}` }
    : { answer: 'complete' };
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
