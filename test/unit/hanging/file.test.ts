import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Categories, codedCategories } from '../../../src/anatomy/categories.js';
import { readProtocols } from '../../../src/hanging/file.js';

const categories = Categories.read();
const folder = mkdtempSync(join(tmpdir(), 'plainview-hanging-'));
afterAll(() => rmSync(folder, { recursive: true }));

function read(yaml: string) {
  const file = join(folder, 'hanging.yaml');
  writeFileSync(file, yaml);
  return readProtocols(file, categories, ['whole_leg', 'other']);
}
const protocol = (rows: string) => `protocols:\n  - id: mine\n    rows:\n${rows.replaceAll(/^/gm, '      ')}`;

test('each of the 30 categories is in a protocol of the shipped file, and so are the pairs of further views', () => {
  const { protocols, leastScore, priors } = readProtocols(undefined, categories, []);
  const hung = new Set(protocols.flatMap(({ cells }) => cells.map(({ category }) => category)));
  const pairs = categories.names.filter(
    (name) => name.endsWith('_ap') && categories.codesOf(name.replace(/_ap$/, '_lateral')),
  );
  for (const name of [...codedCategories, ...pairs]) expect(hung).toContain(name);
  expect({ leastScore, priors }).toEqual({ leastScore: 0.9, priors: { years: 10, studies: 8 } });
});

test('a protocol has the category and the position of each cell', () => {
  const { protocols } = read(
    'protocols:\n  - id: $s\n    title: Both ($)\n    each: [knee, elbow]\n    rows:\n      - [right $_ap, empty]\n      - [prior right $_ap, left $_lateral]',
  );
  expect(protocols.map(({ id, title }) => [id, title])).toEqual([
    ['knees', 'Both (knee)'],
    ['elbows', 'Both (elbow)'],
  ]);
  expect(protocols[0]).toMatchObject({ rows: 2, columns: 2 });
  expect(protocols[0]?.cells).toEqual([
    { place: 'knees/1', row: 1, column: 1, category: 'knee_ap', isPaired: true, side: 'R', prior: false },
    { place: 'knees/3', row: 2, column: 1, category: 'knee_ap', isPaired: true, side: 'R', prior: true },
    {
      place: 'knees/4',
      row: 2,
      column: 2,
      category: 'knee_lateral',
      isPaired: true,
      side: 'L',
      prior: false,
    },
  ]);
});

test('the categories of a site’s own network can be used, but not other', () => {
  expect(read(protocol('- [whole_leg]')).protocols[0]?.cells[0]?.category).toBe('whole_leg');
  expect(() => read(protocol('- [other]'))).toThrow('other is no category of');
});

test.each([
  ['an unknown category', protocol('- [knee_app, knee_lateral]'), 'line 4', 'knee_app is no category of'],
  ['a cell that is none', protocol('- [knee_ap, "rigth knee_lateral"]'), 'line 4', 'is not a cell'],
  ['overlapping cells', protocol('- [knee_ap,\n   left knee_ap]'), 'line 5', 'and into another cell'],
  ['rows of unequal length', protocol('- [knee_ap, knee_lateral]\n- [pelvis_ap]'), 'line 5', '1 cells under'],
  ['a prior alone', protocol('- [knee_ap, prior knee_lateral]'), 'line 2', 'without a current one'],
  ['nothing of the study', protocol('- [empty]'), 'line 2', 'no cell for a picture'],
  [
    'a key that is not known',
    `${protocol('- [knee_ap]')}\n    colour: red`,
    'line 5, protocols 1 colour',
    'no such key',
  ],
  ['a score that is none', 'leastScore: 90\nprotocols: []', 'line 1, leastScore', '<=1'],
  ['an id twice', `${protocol('- [knee_ap]')}\n  - id: mine\n    rows: [[hand_ap]]`, 'line 5', 'there twice'],
  ['a $ without words', protocol('- [$_ap]'), 'line 2', 'no words of `each`'],
  ['words without a $', `${protocol('- [knee_ap]')}\n    each: [knee, hand]`, 'line 2', 'needs a $'],
  ['a missing id', 'protocols:\n  - rows: [[knee_ap]]', 'line 2, protocols 1 id', 'expected string'],
  ['any text', 'any text', 'line 1', 'must hold protocols, as orthanc/hanging.yaml'],
  ['nothing', '', 'line 1', 'must hold protocols, as orthanc/hanging.yaml'],
  ['no YAML', 'protocols: [', 'line 1', 'Flow sequence'],
])('%s stops the start with its line', (_what, yaml, line, problem) => {
  expect(() => read(yaml)).toThrow(
    expect.objectContaining({
      code: 'config_invalid',
      message: expect.stringContaining(`hanging.yaml, ${line}: `),
    }),
  );
  expect(() => read(yaml)).toThrow(problem);
});

test('a missing file stops the start', () => {
  expect(() => readProtocols(join(folder, 'none.yaml'), categories, [])).toThrow(
    /PLAINVIEW_HANGING_FILE: .* does not exist/,
  );
});
