import { describe, expect, it } from 'vitest';
import { figuresOf } from '../../../src/evaluate/figures.js';
import { evaluated } from '../../../testkit/evaluate.js';

const withOther = { classes: ['knee_ap', 'knee_lateral', 'hand_ap', 'other'] };
const without = { classes: ['knee_ap', 'knee_lateral', 'hand_ap'] };

/** 4 AP knees (one classified as a hand, one as other), 2 lateral knees, 1 hand, 3 skulls. */
const pictures = [
  evaluated('knee_ap', 'knee_ap'),
  evaluated('knee_ap', 'knee_ap', 0.8),
  evaluated('knee_ap', 'hand_ap', 0.95),
  evaluated('knee_ap', 'other', 0.7),
  evaluated('knee_lateral', 'knee_lateral'),
  evaluated('knee_lateral', 'knee_lateral'),
  evaluated('hand_ap', 'hand_ap', 0.92),
  evaluated('other', 'other'),
  evaluated('skull', 'hand_ap', 0.91),
  evaluated('skull', 'knee_ap', 0.5),
];

describe('figures', () => {
  const figures = figuresOf(pictures, withOther);

  it('at any score are those of the pictures of the categories', () => {
    expect(figures.pictures).toEqual({ categories: 7, other: 3 });
    expect(figures.accuracy).toMatchObject({ count: 5, of: 7 });
    expect(figures.balancedAccuracy).toBeCloseTo((0.5 + 1 + 1) / 3);
  });

  it('of a forced choice use the best category where other is best', () => {
    const { accuracy, forcedChoice } = figuresOf(
      [
        evaluated('knee_ap', 'other', 0.7, { second: 'knee_ap' }),
        evaluated('knee_ap', 'other', 0.7, { second: 'hand_ap' }),
        evaluated('hand_ap', 'hand_ap', 0.7, { second: 'other' }),
        evaluated('other', 'other', 0.9, { second: 'hand_ap' }),
      ],
      withOther,
    );
    expect(accuracy).toMatchObject({ count: 1, of: 3 });
    expect(forcedChoice).toMatchObject({ accuracy: { count: 2, of: 3 }, balancedAccuracy: 0.75 });
  });

  it('at the thresholds count a category given to an other picture as wrong', () => {
    expect(figures.labelled).toMatchObject({ count: 5, of: 7 });
    expect(figures.rightOfLabelled).toMatchObject({ count: 4, of: 6 });
    expect(figures.otherCaught).toMatchObject({ count: 2, of: 3 });
    expect(figures.decisions).toEqual({ category: 6, needs_review: 4, unknown_view: 0 });
  });

  it('of a category compare it with all others', () => {
    const hand = figures.categories.find(({ category }) => category === 'hand_ap');
    expect(hand).toMatchObject({
      n: 1,
      sensitivity: { count: 1, of: 1 },
      specificity: { count: 5, of: 6 },
      ppv: { count: 1, of: 2 },
      ppvWithOther: { count: 1, of: 3 },
    });
    expect(figures.categories.map(({ category }) => category)).toEqual([
      'knee_ap',
      'knee_lateral',
      'hand_ap',
    ]);
  });

  it('have a confusion matrix with labels as rows, other last', () => {
    expect(figures.confusion).toEqual({
      rows: ['knee_ap', 'knee_lateral', 'hand_ap', 'other'],
      columns: ['knee_ap', 'knee_lateral', 'hand_ap', 'other'],
      counts: [
        [2, 0, 1, 1],
        [0, 2, 0, 0],
        [0, 0, 1, 0],
        [1, 0, 1, 1],
      ],
    });
  });

  it('name the labels that the network does not have', () => {
    expect(figures.foreignLabels).toEqual({ skull: 2 });
    expect(figuresOf(pictures, { classes: ['knee_ap', 'hand_ap'] }).foreignLabels).toEqual({
      knee_lateral: 2,
      skull: 2,
    });
  });

  it('of a network without other still count such pictures as none of the categories', () => {
    const some = pictures.filter(({ best }) => best.category !== 'other');
    const { confusion, otherCaught, calibration } = figuresOf(some, without);
    expect(confusion.rows).toEqual([...without.classes, 'other']);
    expect(confusion.columns).toEqual(without.classes);
    expect(otherCaught).toMatchObject({ count: 1, of: 2 });
    expect(calibration.n).toBe(6); // without the other pictures, on which it cannot be right
  });

  it('are grouped, sorted by the names of the groups', () => {
    const grouped = [
      evaluated('knee_ap', 'knee_ap', 0.99, { group: 'site b' }),
      evaluated('knee_ap', 'hand_ap', 0.99, { group: 'site a' }),
      evaluated('hand_ap', 'hand_ap', 0.99, { group: 'site a' }),
    ];
    expect(figuresOf(grouped, withOther).groups).toMatchObject([
      { group: 'site a', accuracy: { count: 1, of: 2 }, balancedAccuracy: 0.5 },
      { group: 'site b', accuracy: { count: 1, of: 1 }, balancedAccuracy: 1 },
    ]);
  });

  it('of no pictures are unknown, not zero', () => {
    const empty = figuresOf([], withOther);
    expect(empty.accuracy.share).toBeNull();
    expect(empty.balancedAccuracy).toBeNull();
    expect(empty.calibration.error).toBeNull();
    expect(empty.curve).toEqual([]);
  });
});

describe('the risk–coverage curve', () => {
  it('goes from the strictest threshold to none, with equal scores in one point', () => {
    const { curve } = figuresOf(pictures, withOther);
    expect(curve.map(({ threshold }) => threshold)).toEqual([0.99, 0.95, 0.92, 0.91, 0.8, 0.5]);
    expect(curve[0]).toEqual({ threshold: 0.99, labelled: 3 / 7, right: 1, rightWithoutOther: 1 });
    expect(curve[3]).toEqual({ threshold: 0.91, labelled: 5 / 7, right: 4 / 6, rightWithoutOther: 4 / 5 });
    expect(curve.at(-1)).toMatchObject({ labelled: 6 / 7, right: 5 / 8 });
  });

  it('has a limited number of points, and keeps the last', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => evaluated('knee_ap', 'knee_ap', 1 - i / 10_000));
    const { curve } = figuresOf(many, withOther);
    expect(curve.length).toBeLessThanOrEqual(401);
    expect(curve.at(-1)).toMatchObject({ labelled: 1, right: 1 });
  });
});

describe('calibration', () => {
  it('is the weighted distance between score and share right', () => {
    const some = [
      ...Array.from({ length: 8 }, () => evaluated('knee_ap', 'knee_ap', 0.95)),
      ...Array.from({ length: 2 }, () => evaluated('knee_ap', 'hand_ap', 0.95)),
      evaluated('hand_ap', 'hand_ap', 0.5),
      evaluated('skull', 'other', 1),
    ];
    const { error, bins, n } = figuresOf(some, withOther).calibration;
    expect(n).toBe(12);
    expect(bins).toHaveLength(15);
    expect(bins.at(-1)).toMatchObject({ n: 11, right: 9 / 11 });
    const last = Math.abs((10 * 0.95 + 1) / 11 - 9 / 11);
    expect(error).toBeCloseTo((11 * last + 1 * 0.5) / 12, 10);
  });
});
