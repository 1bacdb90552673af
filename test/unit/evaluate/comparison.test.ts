import { describe, expect, it } from 'vitest';
import { comparisonOf } from '../../../src/evaluate/comparison.js';
import type { EvaluatedPicture } from '../../../src/evaluate/evaluate-pictures.js';
import { evaluated } from '../../../testkit/evaluate.js';

const both = [{ classes: ['knee_ap', 'hand_ap'] }, { classes: ['knee_ap', 'hand_ap', 'other'] }] as const;

type Said = [category: string, score?: number, more?: { second: string }];

/** Results of both networks for one picture. */
function pair(label: string, first: Said, second: Said): [EvaluatedPicture, EvaluatedPicture] {
  const one = evaluated(label, ...first);
  return [one, { ...evaluated(label, ...second), picture: one.picture }];
}
function compared(
  pairs: readonly [EvaluatedPicture, EvaluatedPicture][],
  networks: Parameters<typeof comparisonOf>[2] = both,
) {
  return comparisonOf(
    pairs.map(([first]) => first),
    pairs.map(([, second]) => second),
    networks,
    10,
  );
}

describe('two networks on the same pictures', () => {
  it('are counted in pairs, separately by best class and by given category', () => {
    const comparison = compared([
      pair('knee_ap', ['knee_ap'], ['knee_ap']),
      pair('knee_ap', ['knee_ap'], ['hand_ap']),
      pair('knee_ap', ['hand_ap'], ['knee_ap']),
      // Right, but under the threshold of 0.9.
      pair('hand_ap', ['hand_ap', 0.5], ['hand_ap']),
      pair('hand_ap', ['knee_ap'], ['other']),
    ]);
    expect(comparison.best).toMatchObject({ n: 5, both: 2, onlyFirst: 1, onlySecond: 1, neither: 1 });
    expect(comparison.given).toMatchObject({ both: 1, onlyFirst: 1, onlySecond: 2, neither: 1 });
    expect(comparison.best.first).toMatchObject({ count: 3, of: 5 });
    expect(comparison.given.second).toMatchObject({ count: 3, of: 5 });
    expect(comparison.given.difference?.share).toBeCloseTo(0.2, 12);
    expect(comparison.categories).toMatchObject([
      { category: 'knee_ap', n: 3, onlyFirst: 1, onlySecond: 1 },
      { category: 'hand_ap', n: 2, both: 1, neither: 1 },
    ]);
  });

  it('are also compared by forced choice, so that a class other is no disadvantage', () => {
    const { best, forcedChoice } = compared([
      pair('knee_ap', ['knee_ap'], ['other', 0.6, { second: 'knee_ap' }]),
      pair('hand_ap', ['knee_ap'], ['other', 0.6, { second: 'hand_ap' }]),
    ]);
    expect(best).toMatchObject({ onlyFirst: 1, onlySecond: 0 });
    expect(forcedChoice).toMatchObject({ both: 1, onlyFirst: 0, onlySecond: 1 });
  });

  it('reject pictures of none of the categories by giving none', () => {
    const { best, otherCaught } = compared([
      pair('other', ['knee_ap', 0.99], ['other']),
      pair('skull', ['knee_ap', 0.5], ['hand_ap', 0.99]),
    ]);
    expect(best.n).toBe(0);
    expect(best).toMatchObject({ difference: null, mcnemar: { exact: 1 } });
    expect(otherCaught).toMatchObject({ n: 2, onlyFirst: 1, onlySecond: 1 });
  });

  it('are not compared on a category that only one of them has', () => {
    const networks = [{ classes: ['knee_ap', 'hand_ap'] }, { classes: ['knee_ap'] }] as const;
    const comparison = compared(
      [pair('hand_ap', ['hand_ap'], ['knee_ap']), pair('knee_ap', ['knee_ap'], ['knee_ap'])],
      networks,
    );
    expect(comparison).toMatchObject({ notCompared: 1, best: { n: 1, both: 1 }, otherCaught: { n: 0 } });
  });

  it('are listed where only one is right, the error with the highest score first', () => {
    const { splits } = compared([
      pair('knee_ap', ['knee_ap'], ['hand_ap', 0.6]),
      pair('knee_ap', ['hand_ap', 0.95], ['knee_ap']),
      pair('knee_ap', ['hand_ap'], ['hand_ap']),
    ]);
    expect(splits.map(({ first, second }) => [first.best, second.best])).toEqual([
      [
        { category: 'hand_ap', score: 0.95 },
        { category: 'knee_ap', score: 0.99 },
      ],
      [
        { category: 'knee_ap', score: 0.99 },
        { category: 'hand_ap', score: 0.6 },
      ],
    ]);
  });
});
