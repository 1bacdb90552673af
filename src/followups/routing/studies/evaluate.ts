import { bodyPartOf, type Categories, projectionOf } from '../../../anatomy/categories.js';
import { likeness, type Projection } from '../../../anatomy/regions.js';
import { matchesWildcards } from '../../../orthanc/wildcards.js';
import { completenessOf } from './complete.js';
import type { StudyFacts, StudyPicture } from './facts.js';
import type { PicturePattern, StudyConditions, StudyRule, StudyRules } from './schema.js';

/** Whether one rule applies to a study. */
export interface StudyVerdict {
  rule: StudyRule;
  /** Why it does not apply; absent if it does. */
  whyNot?: string;
}

export const evaluateStudyRules = (
  { rules }: StudyRules,
  facts: StudyFacts,
  categories: Categories,
): StudyVerdict[] =>
  rules.map((rule) => {
    const whyNot = whyNotRule(rule, facts, categories);
    return whyNot === undefined ? { rule } : { rule, whyNot };
  });

function whyNotRule(
  { when, unless }: StudyRule,
  facts: StudyFacts,
  categories: Categories,
): string | undefined {
  if (facts.pictures.length === 0) return 'the study has no radiograph';
  const [whyNot] = unfulfilled(when, facts, categories);
  if (whyNot !== undefined) return whyNot;
  if (unless === undefined || unfulfilled(unless, facts, categories).length > 0) return undefined;
  return `unless ${Object.keys(unless).join(', ')}: that is so`;
}

/** A text for each condition that does not hold. */
function unfulfilled(wanted: StudyConditions, facts: StudyFacts, categories: Categories): string[] {
  const { all = [], any, none = [], missing, complete } = wanted;
  const isThere = (pattern: PicturePattern) => facts.pictures.some((picture) => matches(picture, pattern));
  const found = [
    ...all.filter((each) => !isThere(each)).map((each) => `there is no ${textOf(each)}`),
    ...none.filter(isThere).map((each) => `there is a ${textOf(each)}`),
  ];
  if (any !== undefined && !any.some(isThere)) found.push(`there is no ${any.map(textOf).join(', and no ')}`);
  if (missing !== undefined && !missing.some((each) => isMissing(each, facts, categories)))
    found.push(`no body part is without ${missing.join(' or ')}`);
  if (complete !== undefined) {
    const is = completenessOf(facts, categories);
    if (is.answer === 'cannot_tell') found.push(`whether the order is complete cannot be told: ${is.why}`);
    else if ((is.answer === 'complete') !== complete)
      found.push(
        is.answer === 'complete' ? 'the order is complete' : `the order lacks ${is.lacks.join(', ')}`,
      );
  }
  return found;
}

const textOf = ({ category, side }: PicturePattern): string =>
  side === undefined ? category : `${category} ${side}`;

const matches = ({ category, side }: StudyPicture, pattern: PicturePattern): boolean =>
  category !== undefined &&
  matchesWildcards(pattern.category, category) &&
  (pattern.side === undefined || side === pattern.side || side === 'both');

/** Whether a body part is shown, but not in this projection. The two sides are two parts. */
function isMissing(wanted: Projection, { pictures }: StudyFacts, categories: Categories): boolean {
  const shown = pictures.flatMap(({ category, side }) => {
    const codes = category === undefined ? undefined : categories.codesOf(category);
    const part = bodyPartOf(codes);
    const sides = side === 'both' ? (['left', 'right'] as const) : [side];
    return part === undefined
      ? []
      : sides.map((each) => ({ part, side: each, projection: projectionOf(codes) }));
  });
  return shown.some(
    ({ part, side }) =>
      !shown.some(
        (other) =>
          other.part === part &&
          other.projection !== undefined &&
          likeness(other.projection, wanted, part) === 'same' &&
          (side === other.side || side === undefined || other.side === undefined),
      ),
  );
}
