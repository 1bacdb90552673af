import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { bodyPartOf, Categories, codedCategories, projectionOf } from '../../../src/anatomy/categories.js';
import { areNear, likeness } from '../../../src/anatomy/regions.js';
import { OrderCheck } from '../../../src/order-check/check.js';
import { Words } from '../../../src/order-check/words.js';

const languages = ['de', 'en', 'es', 'fr', 'it', 'nl', 'pt'] as const;
type Language = (typeof languages)[number];

const inLanguages = z.record(z.string(), z.record(z.enum(languages), z.string()));
const { parts, projections, views } = z
  .strictObject({ parts: inLanguages, projections: inLanguages, views: inLanguages })
  .parse(parse(readFileSync(new URL('views.yaml', import.meta.url), 'utf8')));

const categories = Categories.read();
const further = categories.names.filter((name) => !codedCategories.includes(name));
const check = new OrderCheck(Words.read(categories), categories);
const answers = (category: string, text: string) => {
  const { bodyPart, projection } = check.check({ category }, [{ attribute: 'StudyDescription', text }]);
  return { bodyPart: bodyPart.answer, projection: projection.answer };
};

/** What the order check knows of a view, and how orders name it. */
function known(view: string, language: Language) {
  const codes = categories.codesOf(view);
  const [part, projection] = [bodyPartOf(codes), projectionOf(codes)];
  const partText = parts[codes?.part ?? codes?.bodyPartExamined ?? '']?.[language];
  const projectionText = projections[projection ?? '']?.[language];
  const order = views[view]?.[language] ?? `${partText} ${projectionText}`;
  if (part === undefined || projection === undefined) throw new Error(`${view} cannot be compared`);
  return { part, projection, order, partText };
}

describe.each(languages)('in %s, an order', (language) => {
  test.each(further)('of %s agrees with the view', (view) => {
    const { order } = known(view, language);
    expect([order, answers(view, order)]).toEqual([order, { bodyPart: 'agrees', projection: 'agrees' }]);
  });

  test.each(further)('of another body part differs from %s', (view) => {
    const { part } = known(view, language);
    const far = (['KNEE', 'SKULL', 'ELBOW'] as const).find((each) => !areNear(each, part));
    const text = parts[far ?? '']?.[language] ?? '';
    expect([text, answers(view, text).bodyPart]).toEqual([text, 'differs']);
  });

  test.each(further)('of another projection differs from %s', (view) => {
    const { part, projection, partText } = known(view, language);
    const other = (['lateral', 'frontal', 'oblique'] as const).find(
      (each) => likeness(each, projection, part) === 'other',
    );
    const text = `${partText} ${projections[other ?? '']?.[language]}`;
    expect([text, answers(view, text).projection]).toEqual([text, 'differs']);
  });
});

test('no two orders of different parts are confused with each other', () => {
  const confused = languages.flatMap((language) =>
    further.flatMap((view) => {
      const { part } = known(view, language);
      return further.flatMap((other) => {
        const wanted = known(other, language);
        if (areNear(part, wanted.part)) return [];
        const found = answers(view, wanted.order).bodyPart;
        return found === 'differs' ? [] : [`${language}: ${wanted.order} → ${view} ${found}`];
      });
    }),
  );
  expect(confused).toEqual([]);
});

test('no view differs from a file that has its own codes, or its View Position', () => {
  const differing = categories.names.filter((category) => {
    const { bodyPartExamined = '', region, view, viewPosition } = categories.codesOf(category) ?? {};
    const { answer } = check.check({ category }, [
      { attribute: 'BodyPartExamined', text: bodyPartExamined },
      ...(viewPosition === undefined ? [] : [{ attribute: 'ViewPosition', text: viewPosition }]),
      ...(region === undefined
        ? []
        : [{ attribute: 'AnatomicRegionSequence', code: region.value, text: region.meaning }]),
      ...(view === undefined
        ? []
        : [{ attribute: 'ViewCodeSequence', code: view.value, text: view.meaning }]),
    ]);
    return answer === 'differs';
  });
  expect(differing).toEqual([]);
});

test('every term of Body Part Examined that a view has is understood in a file', () => {
  const missing = categories.names.filter((category) => {
    const codes = categories.codesOf(category);
    const text = codes?.bodyPartExamined ?? '';
    return check.check({ category }, [{ attribute: 'BodyPartExamined', text }]).bodyPart.answer !== 'agrees';
  });
  expect(check.check({}, [{ attribute: 'BodyPartExamined', text: 'constructor' }]).words).toEqual([]);
  // The scaphoid's is that of the wrist.
  expect(missing).toEqual(['scaphoid_pa', 'scaphoid_oblique']);
});
