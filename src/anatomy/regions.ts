import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { shipped } from '../files/places.js';

/** The body parts that the order check tells apart. Their names are values of Body Part Examined (0018,0015). */
export const bodyParts = [
  'ABDOMEN',
  'ACJOINT',
  'ANKLE',
  'CALCANEUS',
  'CHEST',
  'CLAVICLE',
  'COCCYX',
  'CSPINE',
  'CTSPINE',
  'ELBOW',
  'EXTREMITY',
  'FACE',
  'FEMUR',
  'FINGER',
  'FOOT',
  'FOREARM',
  'HAND',
  'HEAD',
  'HIP',
  'HUMERUS',
  'JAW',
  'KNEE',
  'LEG',
  'LSPINE',
  'MANDIBLE',
  'NECK',
  'ORBIT',
  'PATELLA',
  'PELVIS',
  'RIB',
  'SCAPHOID',
  'SCAPULA',
  'SCJOINT',
  'SHOULDER',
  'SIJOINT',
  'SINUS',
  'SKULL',
  'SPINE',
  'SSPINE',
  'STERNUM',
  'TLSPINE',
  'TOE',
  'TSPINE',
  'WRIST',
] as const;
export type BodyPart = (typeof bodyParts)[number];

export const projections = [
  'frontal',
  'lateral',
  'oblique',
  'axial',
  'decubitus',
  'lauenstein',
  'outlet',
  'panoramic',
  'mortise',
  'tunnel',
  'open_mouth',
  'towne',
  'waters',
  'flexion',
  'extension',
] as const;
export type Projection = (typeof projections)[number];

export const bodyPart = z.enum(bodyParts);
export const projection = z.enum(projections);
const nearParts = z.partialRecord(bodyPart, z.array(bodyPart));
const nearProjections = z.partialRecord(projection, z.array(projection));

const regions = z
  .strictObject({
    paired: z.array(z.string()),
    oftenBoth: z.array(bodyPart),
    terms: z.record(z.string(), bodyPart),
    near: z.strictObject({ wider: nearParts, beside: nearParts }),
    projections: z.strictObject({
      near: nearProjections,
      ofPart: z.partialRecord(
        bodyPart,
        z.strictObject({ same: nearProjections.default({}), near: nearProjections.default({}) }),
      ),
      viewPositions: z.record(z.string(), projection),
      codes: z.record(z.string(), projection),
      oftenOblique: z.array(bodyPart),
    }),
  })
  .parse(parse(readFileSync(shipped('orders', 'regions.yaml'), 'utf8')));

const { wider, beside } = regions.near;
const terms: ReadonlyMap<string, BodyPart> = new Map(Object.entries(regions.terms));

/** Whether a region covers another body part. */
export const isWider = (whole: BodyPart, part: BodyPart): boolean => wider[whole]?.includes(part) ?? false;

/** Whether two body parts are too close for a difference to be certain. Every part is near itself. */
export function areNear(a: BodyPart, b: BodyPart): boolean {
  if (a === b || isWider(a, b) || isWider(b, a)) return true;
  return (beside[a]?.includes(b) ?? false) || (beside[b]?.includes(a) ?? false);
}

/** `same`: one view of the body part has both names. `similar`: a difference is not certain. */
export type Likeness = 'same' | 'similar' | 'other';

/** How two projections go together, of this body part if it is known. */
export function likeness(a: Projection, b: Projection, part: BodyPart | undefined): Likeness {
  const { near, ofPart } = regions.projections;
  const own = part === undefined ? undefined : ofPart[part];
  const isIn = (table: typeof near | undefined) =>
    (table?.[a]?.includes(b) ?? false) || (table?.[b]?.includes(a) ?? false);
  if (a === b || isIn(own?.same)) return 'same';
  return isIn(near) || isIn(own?.near) ? 'similar' : 'other';
}

/** @returns the projection of a term of View Position (0018,5101) that no order uses as a word */
export const projectionOfTerm = (term: string): Projection | undefined =>
  regions.projections.viewPositions[term];

/** Whether the second of two planes that an order does not name may be oblique. */
export const isOftenOblique = (part: BodyPart | undefined): boolean =>
  part !== undefined && regions.projections.oftenOblique.includes(part);

/** @param term a body part, or another term of Body Part Examined */
export const isPaired = (term: string): boolean => regions.paired.includes(term);

/** Whether a film of a paired body part shows that part of one side: then the side of its marker is the part's. */
export const showsOneSide = (part: BodyPart): boolean => !regions.oftenBoth.includes(part);

/**
 * The body part that a value of Body Part Examined (0018,0015) means to the order check.
 * @returns undefined where it knows none
 */
export const bodyPartOfTerm = (term: string | undefined): BodyPart | undefined =>
  bodyPart.safeParse(term).data ?? terms.get(term ?? '');

/** @returns the projection of a code of CID 20, 4010, 4011 or 4012; undefined for a code that is not in the table */
export const projectionOfCode = (value: string): Projection | undefined => regions.projections.codes[value];
