import { expect, test } from 'vitest';
import { Categories, codedCategories } from '../../../src/anatomy/categories.js';
import { isPaired, lateralityOf } from '../../../src/anatomy/laterality.js';

const categories = Categories.read();
const none = { image: undefined, frames: [], series: undefined };
test.each([
  ['the image', { image: 'R', frames: ['L'], series: 'L' }, 'R'],
  ['its frames', { ...none, frames: ['L', 'L'], series: 'R' }, 'L'],
  ['frames of both sides', { ...none, frames: ['L', 'R'] }, 'B'],
  ['the series', { ...none, series: 'R' }, 'R'],
  ['an image of both', { ...none, image: 'B' }, 'B'],
  ['an unpaired part', { ...none, image: 'U' }, undefined],
  ['frames of which one has no side', { ...none, frames: ['L', ''] }, undefined],
  ['a value that is not in DICOM', { ...none, image: 'RIGHT' }, undefined],
  ['nothing', none, undefined],
])('the side by %s', (_what, tags, side) => {
  expect(lateralityOf(tags)).toBe(side);
});

test('only single body parts are unpaired; a category without codes counts as paired', () => {
  const single = codedCategories.filter((category) => !isPaired(categories.codesOf(category)));
  expect(new Set(single.map((category) => categories.codesOf(category)?.bodyPartExamined))).toEqual(
    new Set(['ABDOMEN', 'CHEST', 'CSPINE', 'JAW', 'LSPINE', 'PELVIS', 'TSPINE']),
  );
  expect(isPaired(categories.codesOf('toes_of_one_foot'))).toBe(true);
});
