import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { bodyPartOf, Categories, projectionOf } from '../../../src/anatomy/categories.js';
import { isPaired } from '../../../src/anatomy/laterality.js';
import { requireLabels } from '../../../src/decisions/labels.js';
import { OrderCheck } from '../../../src/order-check/check.js';
import { Words } from '../../../src/order-check/words.js';

const folder = mkdtempSync(join(tmpdir(), 'plainview-views-'));
afterAll(() => rmSync(folder, { recursive: true }));

function read(yaml: string) {
  const file = join(folder, 'views.yaml');
  writeFileSync(file, yaml);
  return Categories.read(file);
}

const elbow = 'bodyPartExamined: ELBOW, region: {value: "16953009", meaning: Elbow joint}';
const radialHead = `views:\n  elbow_radial_head: {${elbow}, view: {value: "399182000", meaning: oblique}}\n`;

test('a view of the site has its codes, beside all others, and the network’s names', () => {
  const categories = read(radialHead);
  const codes = categories.codesOf('elbow_radial_head');
  expect(codes).toEqual({
    bodyPartExamined: 'ELBOW',
    region: { value: '16953009', scheme: 'SCT', meaning: 'Elbow joint' },
    view: { value: '399182000', scheme: 'SCT', meaning: 'oblique' },
  });
  expect([bodyPartOf(codes), projectionOf(codes), isPaired(codes)]).toEqual(['ELBOW', 'oblique', true]);
  const known = categories.known(['whole_leg', 'knee_ap', 'other']);
  expect(known).toEqual([...Categories.read().names, 'elbow_radial_head', 'whole_leg']);
});

test('it gives codes to a category of the site’s own network too', () => {
  const categories = read(`views:\n  whole_leg: {${elbow}}\n`);
  expect(categories.known(['whole_leg', 'other']).filter((name) => name === 'whole_leg')).toHaveLength(1);
  expect(categories.codesOf('whole_leg')?.bodyPartExamined).toBe('ELBOW');
});

test('its words mean its body part and its projection', () => {
  const categories = read(
    `views:\n  breast_specimen: {bodyPartExamined: BREAST, region: {value: "76752008", meaning: Breast}, projection: frontal, words: [Präparat]}\n  elbow_radial_head: {${elbow}, projection: oblique, words: [Greenspan, coyle*]}\n`,
  );
  const check = new OrderCheck(Words.read(categories), categories);
  const answers = (category: string, text: string) => {
    const { bodyPart, projection } = check.check({ category }, [{ attribute: 'StudyDescription', text }]);
    return [bodyPart.answer, projection.answer];
  };
  expect(answers('elbow_radial_head', 'Coyle-Aufnahme')).toEqual(['agrees', 'agrees']);
  expect(answers('elbow_ap', 'Greenspan')).toEqual(['agrees', 'differs']);
  expect(answers('knee_ap', 'Greenspan')).toEqual(['differs', 'differs']);
  // The check knows no such body part.
  expect(answers('breast_specimen', 'Praeparat')).toEqual(['cannot_tell', 'agrees']);
});

test.each([
  ['no views', '', 'line 1: must hold views, as docs/views.md tells'],
  [
    'a mistyped key',
    radialHead.replace('view:', 'veiw:'),
    'line 2, views elbow_radial_head veiw: there is no such key',
  ],
  [
    'a code that YAML reads as a number',
    radialHead.replaceAll('"', ''),
    'line 2, views elbow_radial_head region value: must be text; write digits in quotes',
  ],
  [
    'a code that is too long',
    radialHead.replace('16953009', '1'.repeat(17)),
    'region value: must be 1 to 16 characters',
  ],
  ['no region', 'views:\n  a: {bodyPartExamined: ELBOW}', 'line 2, views a region: '],
  [
    'a body part in small letters',
    radialHead.replace('ELBOW', 'elbow'),
    'bodyPartExamined: must be 1 to 16 capital letters',
  ],
  [
    'a projection that is none',
    radialHead.replace('{bodyPart', '{projection: sideways, bodyPart'),
    'projection: ',
  ],
  [
    'a name that is no label',
    radialHead.replace('elbow_radial_head', 'elbow radial'),
    'a name is 1 to 40 letters, digits, _ or -',
  ],
  [
    'a name of the 30',
    radialHead.replace('elbow_radial_head', 'knee_ap'),
    "line 2, views knee_ap: knee_ap is a name of Plainview's own",
  ],
  [
    'a standard view',
    radialHead.replace('elbow_radial_head', 'toe_ap'),
    "toe_ap is a name of Plainview's own",
  ],
  [
    'a standard view in capitals',
    radialHead.replace('elbow_radial_head', 'TOE_AP'),
    "line 2, views TOE_AP: toe_ap is a name of Plainview's own",
  ],
  [
    'the name “other”',
    radialHead.replace('elbow_radial_head', 'other'),
    "other is a name of Plainview's own",
  ],
  ['a view twice', `${radialHead}  elbow_radial_head: {${elbow}}\n`, 'line 3: Map keys must be unique'],
  ['no YAML', 'views: [', 'line 1: '],
])('a file with %s is refused, and the line is named', (_what, yaml, problem) => {
  const file = join(folder, 'views.yaml');
  expect(() => read(yaml)).toThrow(
    expect.objectContaining({
      code: 'config_invalid',
      message: expect.stringContaining(`PLAINVIEW_VIEWS_FILE: ${file}, line`),
    }),
  );
  expect(() => read(yaml)).toThrow(problem);
});

test('a missing file is refused', () => {
  expect(() => Categories.read(join(folder, 'none.yaml'))).toThrow(
    /PLAINVIEW_VIEWS_FILE: .*none.yaml does not exist/,
  );
});

test('a view that would be taken for a state, or is too long with the prefix, is refused', () => {
  const names = (name: string) => [...read(`views:\n  ${name}: {${elbow}}`).ofSite.keys()];
  expect(() => requireLabels('PLAINVIEW_VIEWS_FILE', names('needs_review'), '')).toThrow(
    'PLAINVIEW_VIEWS_FILE: "needs_review" cannot be a label',
  );
  expect(() => requireLabels('PLAINVIEW_VIEWS_FILE', names('x'.repeat(40)), 'p'.repeat(24))).not.toThrow();
});
