import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { shipped } from '../files/places.js';
import { codesOf } from './categories.js';

/** Values of Body Part Examined (0018,0015). */
export const bodyParts = [
  'ABDOMEN',
  'ACJOINT',
  'ANKLE',
  'CALCANEUS',
  'CHEST',
  'CLAVICLE',
  'COCCYX',
  'CSPINE',
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
  'ORBIT',
  'PATELLA',
  'PELVIS',
  'RIB',
  'SCAPHOID',
  'SCAPULA',
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
] as const;
export type Projection = (typeof projections)[number];

const bodyPart = z.enum(bodyParts);
const projection = z.enum(projections);
const nearParts = z.partialRecord(bodyPart, z.array(bodyPart));

const regions = z
  .strictObject({
    paired: z.array(bodyPart),
    near: z.strictObject({ wider: nearParts, beside: nearParts }),
    projections: z.strictObject({
      near: z.partialRecord(projection, z.array(projection)),
      codes: z.record(z.string(), projection),
      categories: z.record(z.string(), projection),
    }),
  })
  .parse(parse(readFileSync(shipped('orders', 'regions.yaml'), 'utf8')));

const { wider, beside } = regions.near;

/** Whether a region covers another body part. */
export const isWider = (whole: BodyPart, part: BodyPart): boolean => wider[whole]?.includes(part) ?? false;

/** Whether two body parts are too close for a difference to be certain. Every part is near itself. */
export function areNear(a: BodyPart, b: BodyPart): boolean {
  if (a === b || isWider(a, b) || isWider(b, a)) return true;
  return (beside[a]?.includes(b) ?? false) || (beside[b]?.includes(a) ?? false);
}

/** Whether two projections are too similar for a difference to be certain. */
export function areSimilar(a: Projection, b: Projection): boolean {
  const { near } = regions.projections;
  return a === b || (near[a]?.includes(b) ?? false) || (near[b]?.includes(a) ?? false);
}

export const isPaired = (part: BodyPart): boolean => regions.paired.includes(part);

/** @returns undefined for a category of a site's own network */
export function bodyPartOf(category: string): BodyPart | undefined {
  return bodyPart.safeParse(codesOf(category)?.bodyPartExamined).data;
}

/** @returns undefined for a category of a site's own network */
export function projectionOf(category: string): Projection | undefined {
  const { categories, codes } = regions.projections;
  const known = codesOf(category);
  const codesWithProjection = [known?.eponym, known?.patientOrientationModifier, known?.view];
  return (
    categories[category] ?? codesWithProjection.flatMap((code) => (code ? (codes[code.value] ?? []) : []))[0]
  );
}

/** @returns the projection of a code of CID 4010, 4012 or 20; undefined for a code that is not in the table */
export const projectionOfCode = (value: string): Projection | undefined => regions.projections.codes[value];
