import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/classify/decide.js';

const thresholds = { threshold: 0.8, margin: 0.2, unknownBelow: 0.4 };
const classes = ['chest_lateral', 'chest_pa_ap', 'knee_ap', 'knee_lateral', 'hand_ap', 'other'];

const decideOn = (scores: Record<string, number>, own = thresholds) =>
  decide(
    Float32Array.from(classes, (name) => scores[name] ?? 0),
    { classes, thresholds: own },
  );

describe('a decision', () => {
  it('gives the category with a high score and no close second', () => {
    expect(decideOn({ knee_ap: 0.9, knee_lateral: 0.1 })).toMatchObject({
      decision: 'category',
      category: 'knee_ap',
      reason: 'knee_ap at 0.900',
    });
  });

  it('gives it also exactly at the threshold', () => {
    expect(decideOn({ knee_ap: 0.75, hand_ap: 0.25 }, { ...thresholds, threshold: 0.75 }).decision).toBe(
      'category',
    );
    expect(decideOn({ knee_ap: 0.75, hand_ap: 0.25 }, { ...thresholds, threshold: 0.751 }).decision).toBe(
      'needs_review',
    );
  });

  it('needs a review where the two best are too close', () => {
    const decision = decideOn({ knee_ap: 0.55, knee_lateral: 0.4 }, { ...thresholds, threshold: 0.5 });
    expect(decision).toMatchObject({
      decision: 'needs_review',
      reason: expect.stringContaining('knee_lateral'),
    });
  });

  it('is an unknown view where nothing is recognised', () => {
    expect(decideOn({ knee_ap: 0.39, hand_ap: 0.3 }).decision).toBe('unknown_view');
    expect(decideOn({ knee_ap: 0.41, hand_ap: 0.3 }).decision).toBe('needs_review');
  });

  it('is an unknown view where other has a high score', () => {
    expect(decideOn({ other: 0.9 }).decision).toBe('unknown_view');
    expect(decideOn({ other: 0.6, knee_ap: 0.4 }).decision).toBe('needs_review');
    expect(decideOn({ other: 0.3, knee_ap: 0.2 }).decision).toBe('needs_review');
  });

  it('has a category only where the decision is `category`', () => {
    for (const scores of [{ other: 0.9 }, { knee_ap: 0.5 }, { knee_ap: 0.1 }])
      expect(decideOn(scores)).not.toHaveProperty('category');
  });

  it('lists the best five, best first, `other` among them', () => {
    const { top } = decideOn({
      knee_ap: 0.5,
      other: 0.3,
      hand_ap: 0.1,
      knee_lateral: 0.06,
      chest_lateral: 0.04,
    });
    expect(top.map(({ category }) => category)).toEqual([
      'knee_ap',
      'other',
      'hand_ap',
      'knee_lateral',
      'chest_lateral',
    ]);
  });
});
