import { describe, expect, test } from 'vitest';
import type { EvaluatedPicture } from '../../../src/evaluate/evaluate-pictures.js';
import { verdictOf } from '../../../src/learn/verdict.js';
import { evaluated } from '../../../testkit/evaluate.js';

const old = { classes: ['knee_ap', 'hand_ap', 'other'] };
const candidate = { classes: [...old.classes, 'skull_ap'] };
const none = { count: 0, of: 0 };

/** Label, answer of the old network, answer of the candidate, and how often. */
type Kind = readonly [label: string, before: string, after: string, count: number];

function verdict(kinds: readonly Kind[], kept = none, others = 20, networks = { old, new: candidate }) {
  const each = (answer: (kind: Kind) => string): EvaluatedPicture[] =>
    kinds.flatMap((kind) => Array.from({ length: kind[3] }, () => evaluated(kind[0], answer(kind))));
  return verdictOf(
    each(([, before]) => before),
    each(([, , after]) => after),
    networks,
    { kept, others },
  );
}
const same: Kind = ['knee_ap', 'knee_ap', 'knee_ap', 50];

describe('a candidate', () => {
  test('is better where more is right than chance explains', () => {
    expect(verdict([same, ['hand_ap', 'knee_ap', 'hand_ap', 5]]).objections).toEqual([]);
  });

  test('is not better where it can be chance', () => {
    // 4 to 0: one in 16.
    expect(verdict([same, ['hand_ap', 'knee_ap', 'hand_ap', 4]]).objections).toEqual([
      expect.stringContaining('p 0.0625'),
    ]);
  });

  test('is not better where it only learnt a new category and lost an old one', () => {
    const { objections, worse } = verdict([
      ['knee_ap', 'knee_ap', 'knee_ap', 48],
      ['knee_ap', 'knee_ap', 'skull_ap', 2],
      ['skull_ap', 'other', 'skull_ap', 30],
    ]);
    expect(objections).toEqual([expect.stringContaining('it names 48 of 50 right')]);
    expect(worse).toEqual([{ category: 'knee_ap', before: 50, after: 48, n: 50 }]);
  });

  test('is better where it learnt a new category and lost nothing', () => {
    expect(verdict([same, ['skull_ap', 'other', 'skull_ap', 20]]).objections).toEqual([]);
  });

  test('is not better where it gives a category to pictures of none', () => {
    expect(
      verdict([same, ['hand_ap', 'knee_ap', 'hand_ap', 30], ['other', 'other', 'knee_ap', 8]]).objections,
    ).toEqual([expect.stringContaining('it gives 8 of 8 a category')]);
  });

  test('is not better where it drops what the network was sure of', () => {
    const gain: Kind = ['hand_ap', 'knee_ap', 'hand_ap', 30];
    expect(verdict([same, gain], { count: 96, of: 100 }).objections).toEqual([]);
    expect(verdict([same, gain], { count: 94, of: 100 }).objections).toEqual([
      expect.stringContaining('only 94.0 %'),
    ]);
  });

  test('is not better where it gives more that is wrong', () => {
    // Nothing was given before: `other` names no category.
    const given: Kind = ['knee_ap', 'other', 'knee_ap', 29];
    const { objections } = verdict([given, ['hand_ap', 'other', 'knee_ap', 3]]);
    expect(objections).toEqual([expect.stringContaining('of 32 that it gives, 29 are right')]);
    const many = verdict([
      ['knee_ap', 'other', 'knee_ap', 900],
      ['hand_ap', 'other', 'knee_ap', 12],
    ]);
    expect(many.objections).toEqual([expect.stringContaining('it gives 12 of 912 a wrong category')]);
    // 5 of 905 are within the goal, which a network that gives nothing reaches too.
    const few = verdict([
      ['knee_ap', 'other', 'knee_ap', 900],
      ['hand_ap', 'other', 'knee_ap', 5],
    ]);
    expect(few.objections).toEqual([]);
  });

  test('may give a few wrong ones where so many more are right', () => {
    expect(
      verdict([
        ['knee_ap', 'other', 'knee_ap', 400],
        ['hand_ap', 'other', 'knee_ap', 4],
      ]).objections,
    ).toEqual([]);
  });

  test('may give less than 99 % right where that can be chance', () => {
    expect(
      verdict([
        ['knee_ap', 'other', 'knee_ap', 156],
        ['hand_ap', 'other', 'knee_ap', 2],
      ]).objections,
    ).toEqual([]);
  });

  test('may give less than the goal where it was worse before', () => {
    expect(
      verdict([
        ['knee_ap', 'hand_ap', 'knee_ap', 20],
        ['hand_ap', 'knee_ap', 'knee_ap', 3],
      ]).objections,
    ).toEqual([]);
  });

  test('is not better where pictures of none are missing, and the network knows these', () => {
    const gain: Kind = ['hand_ap', 'knee_ap', 'hand_ap', 30];
    expect(verdict([same, gain], none, 19).objections).toEqual([
      expect.stringContaining('cannot be told whether'),
    ]);
    const without = { old: { classes: ['knee_ap', 'hand_ap'] }, new: { classes: ['knee_ap', 'hand_ap'] } };
    expect(verdict([same, gain], none, 0, without).objections).toEqual([]);
  });
});
