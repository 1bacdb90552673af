import { z } from 'zod';
import { projection } from '../../../anatomy/regions.js';
import { again, hasCondition, places, ruleName, some } from '../rules/parts.js';

/** The part `studies` of the file of rules: rules on the pictures of a study together. `docs/routing.md` explains it. */

/** Pictures of a study: `knee_*`, `hand_ap left`. */
const picture = z
  .string()
  .regex(/^\S{1,128}( (left|right))?$/, 'must be a category, with left or right after it if the side matters')
  .transform((text) => {
    const [category = '', side] = text.split(' ');
    return { category, side: z.enum(['left', 'right']).optional().parse(side) };
  });
const pictures = some(picture, 'a category, with left or right after it if the side matters (hand_ap left)');

export const studyConditions = z
  .strictObject(
    {
      /** For each of them there is a picture. */
      all: pictures.optional(),
      /** For one of them there is a picture. */
      any: pictures.optional(),
      /** For none of them there is a picture. */
      none: pictures.optional(),
      /** A body part is shown, but not in this projection. */
      missing: some(projection, 'a projection (lateral)').optional(),
      /** Whether all that the order names is there. Where that cannot be told, neither holds. */
      complete: z.boolean().optional(),
    },
    'needs a condition',
  )
  .refine(hasCondition, 'needs a condition');

const rule = z.strictObject({
  name: ruleName,
  when: studyConditions,
  unless: studyConditions.optional(),
  do: z
    .strictObject(places)
    .refine((given) => Object.values(given).some((each) => each !== undefined), 'does nothing'),
  again: again.exclude(['always']).default('changed'),
});

export const studyRules = z.strictObject({
  /** How long pictures are waited for that have no category yet. */
  waitMinutes: z.number().min(0).max(10_080).default(60),
  rules: z.array(rule).min(1),
});

export type PicturePattern = z.output<typeof picture>;
export type StudyConditions = z.output<typeof studyConditions>;
export type StudyRule = z.output<typeof rule>;
export type StudyRules = z.output<typeof studyRules>;
