import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { shipped } from '../../../src/files/places.js';
import { runInProcess } from '../../../testkit/command-line.js';

test('of the samples of the demo, some are sure, two wait for a person, and one is no radiograph', async () => {
  const files = readdirSync(shipped('samples')).filter((name) => name.endsWith('.png'));
  const paths = files.sort().map((name) => shipped('samples', name));
  const { stdout } = await runInProcess('label', '--json', '--workers', '1', ...paths);
  const decisions = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).decision);
  expect(Object.fromEntries(files.map((name, index) => [name, decisions[index]]))).toEqual({
    'chest_composite.png': 'category',
    'chest_composite_2.png': 'category',
    'chest_part.png': 'needs_review',
    'chest_part_2.png': 'needs_review',
    'test_pattern.png': 'unknown_view',
  });
});
