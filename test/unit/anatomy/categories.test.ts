import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Categories, codedCategories } from '../../../src/anatomy/categories.js';
import { shipped } from '../../../src/files/places.js';

const categories = Categories.read();

test('every category of NNCPR has codes, in its order', () => {
  const names = readFileSync(shipped('model', 'nncpr-classes.txt'), 'utf8').trim().split('\n');
  expect(codedCategories).toEqual(names);
});

test('a category that merges PA and AP, or does not determine the side, has no view position', () => {
  for (const category of codedCategories.filter((name) => /lateral$|oblique|chest/.test(name)))
    expect(categories.codesOf(category)?.viewPosition, category).toBeUndefined();
});

test('a name that is not a category has no codes', () => {
  expect(categories.codesOf('other')).toBeUndefined();
  expect(categories.codesOf('constructor')).toBeUndefined();
});
