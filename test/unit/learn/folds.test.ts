import { describe, expect, test } from 'vitest';
import { groupBy } from '../../../src/evaluate/statistics.js';
import { distinctSamples } from '../../../src/learn/distinct.js';
import { foldsOf } from '../../../src/learn/folds.js';
import { films } from '../../../testkit/learn.js';

const drawn = films(1, [
  { label: 'knee_ap', count: 200, patients: 60, axes: {} },
  { label: 'hand_ap', count: 10, axes: {} },
  { label: 'chest_pa_ap', count: 30, patients: 7, axes: {} },
]);
const { samples } = distinctSamples(drawn);

describe('folds', () => {
  test('hold no patient twice', () => {
    const folds = foldsOf(samples, 5, 1);
    const byPatient = groupBy(samples, ({ picture }) => picture.patient);
    expect(byPatient.size).toBe(77);
    for (const members of byPatient.values())
      expect(new Set(members.map((sample) => folds[samples.indexOf(sample)])).size).toBe(1);
  });

  test('hold each rare label alike', () => {
    const folds = foldsOf(samples, 5, 1);
    const hands = folds.filter((_, i) => samples[i]?.picture.label === 'hand_ap');
    for (let fold = 0; fold < 5; fold++) expect(hands.filter((of) => of === fold)).toHaveLength(2);
  });

  test('take a picture without patient as of its own patient', () => {
    const alone = drawn
      .slice(0, 10)
      .map(({ picture: { id, label }, ...rest }) => ({ ...rest, picture: { id, label } }));
    expect(foldsOf(distinctSamples(alone).samples, 5, 1).sort()).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
  });

  test('hold no picture twice, whatever its patients are called', () => {
    // The same archive under pseudonyms, with labels of chance: no picture repeats another one's label.
    const again = drawn.map((sample) => ({
      ...sample,
      picture: { id: `p ${sample.picture.id}`, label: 'other', patient: `p ${sample.picture.patient}` },
    }));
    const both = distinctSamples([...drawn, ...again]);
    const folds = foldsOf(both.samples, 5, 1);
    expect(both.samples).toHaveLength(480);
    expect(new Set(both.samples.map(({ group }) => group)).size).toBe(77);
    for (let i = 0; i < 240; i++) expect(folds[i]).toBe(folds[i + 240]);
  });

  test('follow from the seed', () => {
    expect(foldsOf(samples, 5, 1)).toEqual(foldsOf(samples, 5, 1));
    expect(foldsOf(samples, 5, 2)).not.toEqual(foldsOf(samples, 5, 1));
  });
});
