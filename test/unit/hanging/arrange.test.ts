import { describe, expect, test } from 'vitest';
import { Categories } from '../../../src/anatomy/categories.js';
import type { Laterality } from '../../../src/anatomy/laterality.js';
import { arrange, type HangablePicture } from '../../../src/hanging/arrange.js';
import { readProtocols } from '../../../src/hanging/file.js';

const { protocols } = readProtocols(undefined, Categories.read(), []);

/** `R knee_ap 0.95`: side and score are optional; `?` is a picture that is not sure. */
function pictures(...texts: string[]): HangablePicture[] {
  return texts.map((text, index) => {
    const [, side, category = '', score = '0.99'] = /^(?:([RLB]) )?(\S+)(?: ([\d.]+))?$/.exec(text) ?? [];
    return {
      sopInstanceUid: `${text} #${index}`,
      seriesInstanceUid: '1.2',
      studyInstanceUid: '1',
      score: Number(score),
      seriesNumber: 1,
      instanceNumber: index,
      ...(category === '?' ? {} : { category }),
      ...(side === undefined ? {} : { side: side as Laterality }),
    };
  });
}

/** `protocol: the pictures' names from the top left`, or the viewer's default. */
function hung(study: string[], ...priors: string[][]): string {
  const result = arrange(
    protocols,
    pictures(...study),
    priors.map((prior) => pictures(...prior)),
  );
  if (result === undefined) return 'default';
  const shown = result.cells.map(
    ({ picture, cell }) => `${cell.prior ? 'prior ' : ''}${picture.sopInstanceUid}`,
  );
  return `${result.protocol.id}: ${shown.join(' | ')}`;
}

test.each([
  [['chest_lateral', 'chest_pa_ap'], 'chest: chest_pa_ap #1 | chest_lateral #0'],
  [['lumbar_spine_lateral', 'lumbar_spine_ap'], 'lumbar-spine: lumbar_spine_ap #1 | lumbar_spine_lateral #0'],
  [['L knee_lateral', 'L knee_ap'], 'knee: L knee_ap #1 | L knee_lateral #0'],
  [['L hand_ap', 'R hand_ap'], 'hand_ap-sides: R hand_ap #1 | L hand_ap #0'],
  [
    ['L knee_ap', 'L knee_lateral', 'R knee_lateral', 'R knee_ap'],
    'knee-both: R knee_ap #3 | L knee_ap #0 | R knee_lateral #2 | L knee_lateral #1',
  ],
  [['B hand_ap', 'B hand_oblique'], 'hand-oblique: B hand_ap #0 | B hand_oblique #1'],
])('%j hangs as %s', (study, expected) => {
  expect(hung(study)).toBe(expected);
});

test.each([
  ['one picture', ['chest_pa_ap']],
  ['nothing', []],
  ['what is not sure', ['chest_pa_ap', '?']],
  ['a combination that no protocol knows', ['chest_pa_ap', 'elbow_ap']],
  ['AP of one side and lateral of the other', ['R knee_ap', 'L knee_lateral']],
  ['AP with its side and lateral without', ['R knee_ap', 'knee_lateral']],
  ['two of a paired part, sides unknown', ['wrist_ap', 'wrist_ap', 'wrist_lateral']],
])('%s is left to the viewer', (_what, study) => {
  expect(hung(study)).toBe('default');
});

test('of several fitting pictures, the one with the best score hangs', () => {
  expect(hung(['chest_pa_ap 0.93', 'chest_pa_ap 0.97', 'chest_lateral'])).toContain('chest_pa_ap 0.97 #1');
});

test('a person’s decision comes before any score; of two, the first picture hangs', () => {
  const [network, person, later, lateral] = pictures(
    'chest_pa_ap 1',
    'chest_pa_ap',
    'chest_pa_ap',
    'chest_lateral',
  );
  if (!network || !person || !later || !lateral) throw new Error('four were made');
  const byPerson = [later, person].map(({ score: _, ...rest }) => ({ ...rest, who: 'person' as const }));
  expect(arrange(protocols, [network, ...byPerson, lateral], [])?.cells[0]?.picture).toBe(byPerson[1]);
});

test('the order of the pictures has no effect', () => {
  const study = pictures(
    'L knee_ap',
    'R knee_ap',
    'L knee_lateral',
    'R knee_lateral',
    'L knee_ap',
    'R knee_ap',
  );
  const once = arrange(protocols, study, []);
  expect(once?.protocol.id).toBe('knee-both');
  for (let turn = 1; turn < study.length; turn++) {
    const turned = [...study.slice(turn), ...study.slice(0, turn)];
    expect(arrange(protocols, turned, [])).toEqual(once);
    expect(arrange(protocols, turned.reverse(), [])).toEqual(once);
  }
});

test('the most recent prior of the same category and side is beside it', () => {
  expect(hung(['chest_pa_ap'], ['chest_lateral'], ['chest_pa_ap'], ['chest_pa_ap'])).toBe(
    'chest_pa_ap-prior: chest_pa_ap #0 | prior chest_pa_ap #0',
  );
  expect(hung(['R knee_ap', 'R knee_lateral'], ['L knee_ap', 'L knee_lateral'])).toBe(
    'knee: R knee_ap #0 | R knee_lateral #1',
  );
  expect(
    hung(['R knee_ap', 'R knee_lateral'], ['L knee_ap', 'L knee_lateral'], ['R knee_lateral', 'R knee_ap']),
  ).toBe('knee-priors: R knee_ap #0 | R knee_lateral #1 | prior R knee_ap #1 | prior R knee_lateral #0');
  expect(hung(['chest_pa_ap', 'chest_lateral'], ['chest_pa_ap'])).toBe(
    'chest-prior-frontal: chest_pa_ap #0 | chest_lateral #1 | prior chest_pa_ap #0',
  );
});

test('a prior of unknown side does not count as the same side', () => {
  expect(hung(['knee_ap'], ['knee_ap'])).toBe('default');
  expect(hung(['R knee_ap'], ['knee_ap'])).toBe('default');
});

describe('of pictures that fit one place', () => {
  const purpose = (isForProcessing: boolean, isDerived: boolean, index: number) => ({
    exposure: { image: `${index}`, study: '1', isForProcessing, isDerived },
  });
  /** The picture that hangs, whatever the order of the pictures. */
  const hungOf = (candidates: HangablePicture[]): HangablePicture | undefined => {
    const others = pictures('chest_lateral');
    const turns = candidates.map((_, turn) => [...candidates.slice(turn), ...candidates.slice(0, turn)]);
    const hung = turns.map((turned) => arrange(protocols, [...turned, ...others], [])?.cells[0]?.picture);
    expect(new Set(hung).size).toBe(1);
    return hung[0];
  };
  const [a, b, c] = pictures('chest_pa_ap 0.99', 'chest_pa_ap 0.98', 'chest_pa_ap 0.91');
  if (!a || !b || !c) throw new Error('three were made');

  test('one for presentation hangs before a raw one of a better score', () => {
    const raw = { ...a, ...purpose(true, false, 0) };
    const shown = { ...c, ...purpose(false, true, 2) };
    expect(hungOf([raw, shown])).toBe(shown);
  });

  test('one for presentation hangs before a raw one about which a person decided', () => {
    const raw = { ...a, ...purpose(true, false, 0), who: 'person' as const };
    const shown = { ...c, ...purpose(false, true, 2) };
    expect(hungOf([raw, shown])).toBe(shown);
  });

  test('an original hangs before a derived one, then the score decides', () => {
    const derived = { ...a, ...purpose(false, true, 0) };
    const original = { ...b, ...purpose(false, false, 1) };
    const worse = { ...c, ...purpose(false, false, 2) };
    expect(hungOf([derived, original, worse])).toBe(original);
  });
});
