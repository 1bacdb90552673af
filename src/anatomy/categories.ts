import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { otherClass } from '../classify/decide.js';
import { shipped } from '../files/places.js';
import { code } from './code.js';

/** The DICOM codes of a category. A field is absent where the category does not determine it, as it never does a side. */
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

/** The names of the 30 categories that have codes, in NNCPR's order. */
export const codedCategories: readonly string[] = Object.keys(table);

/** The categories that a person can choose: the 30 that have codes, and those of the network in use. */
export const knownCategories = (networkClasses: readonly string[]): string[] => [
  ...new Set([...codedCategories, ...networkClasses.filter((name) => name !== otherClass)]),
];

/** @returns undefined for a category without codes, which only a site's own network has */
export const codesOf = (category: string): CategoryCodes | undefined =>
  Object.hasOwn(table, category) ? table[category] : undefined;
