import { expect, test } from 'vitest';
import { matchesWildcards } from '../../../src/orthanc/wildcards.js';

test.each([
  ['knee_*', 'KNEE_ap'],
  ['*', ''],
  ['**', 'x/y\n'],
  ['', ''],
  ['?*', '/'],
  ['a?c', 'aäc'],
  ['*room*3', 'X-ROOM 2, room 33'],
  ['*ab', 'aab'],
  ['a*b?d', 'abbcbxd'],
  ['{a,b}', '{a,b}'],
  ['[a-z](x|y)+.^$!\\', '[a-z](x|y)+.^$!\\'],
])('%j matches %j', (pattern, text) => {
  expect(matchesWildcards(pattern, text)).toBe(true);
});

test.each([
  ['knee_*', 'my knee_ap'],
  ['', 'a'],
  ['?', ''],
  ['??', 'a'],
  ['a*a', 'a'],
  ['a.c', 'abc'],
  ['{a,b}', 'a'],
  ['[ab]', 'a'],
  ['!a', 'b'],
  ['a*b?d', 'abbcbx'],
])('%j does not match %j', (pattern, text) => {
  expect(matchesWildcards(pattern, text)).toBe(false);
});

test('a pattern with many stars takes little time', () => {
  const before = performance.now();
  expect(matchesWildcards('*a'.repeat(50), `${'a'.repeat(2000)}b`)).toBe(false);
  expect(performance.now() - before).toBeLessThan(500);
});
