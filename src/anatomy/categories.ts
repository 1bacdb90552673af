import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { otherClass } from '../classify/decide.js';
import { shipped } from '../files/places.js';
import { code } from './code.js';

/** What DICOM calls a category. A field that is absent is not given by the category: laterality never is. */
const categoryCodes = z.object({
  /** Body Part Examined (0018,0015), a defined term of PS3.16 annex L. */
  bodyPartExamined: z.string().max(16),
  /** CID 4009 */
  region: code,
  /** CID 4010 */
  view: code.optional(),
  /** View Position (0018,5101): only where the category implies it. */
  viewPosition: z.string().max(16).optional(),
  /** CID 4012 */
  eponym: code.optional(),
  /** CID 20 */
  patientOrientationModifier: code.optional(),
  radlex: z.string().optional(),
});
export type CategoryCodes = z.output<typeof categoryCodes>;

const table = z
  .record(z.string(), categoryCodes)
  .parse(JSON.parse(readFileSync(shipped('model', 'categories.json'), 'utf8')));

/** Names of the 30 categories that have codes, in NNCPR's order. */
export const codedCategories: readonly string[] = Object.keys(table);

/** What a picture may be called: the 30 that have codes whatever network is in use, and what the network in use knows. */
export const knownCategories = (networkClasses: readonly string[]): string[] => [
  ...new Set([...codedCategories, ...networkClasses.filter((name) => name !== otherClass)]),
];

/** @returns undefined for a category of a site's own network */
export const codesOf = (category: string): CategoryCodes | undefined =>
  Object.hasOwn(table, category) ? table[category] : undefined;
