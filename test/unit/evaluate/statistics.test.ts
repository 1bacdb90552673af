import { describe, expect, it } from 'vitest';
import { mcnemar, pairedDifference, proportion } from '../../../src/evaluate/statistics.js';

describe("Wilson's interval", () => {
  it.each([
    // R. G. Newcombe, Statistics in Medicine 1998;17:857–872, table I, method 3.
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('%i of %i as published', (count, of, low, high) => {
    const found = proportion(count, of);
    expect(found.low).toBeCloseTo(low, 4);
    expect(found.high).toBeCloseTo(high, 4);
  });

  it("gives the interval that NNCPR's paper states for its external test, 94.0 % (93.3–94.6) of 5,324", () => {
    const { share, low, high } = proportion(5005, 5324);
    expect([share ?? 0, low, high].map((value) => (value * 100).toFixed(1))).toEqual([
      '94.0',
      '93.3',
      '94.6',
    ]);
  });

  it('ends exactly at 0 and 1, and is unknown without pictures', () => {
    expect(proportion(0, 7).low).toBe(0);
    expect(proportion(7, 7).high).toBe(1);
    expect(proportion(0, 0)).toEqual({ count: 0, of: 0, share: null, low: 0, high: 1 });
  });
});

describe("McNemar's test", () => {
  it.each([
    // M. W. Fagerland, S. Lydersen, P. Laake, BMC Medical Research Methodology 2013;13:91, both examples.
    [1, 7, 0.0703, 0.0391],
    [6, 16, 0.0525, 0.0347],
  ])('%i against %i as published', (first, second, exact, midP) => {
    for (const found of [mcnemar(first, second), mcnemar(second, first)]) {
      expect(found.exact).toBeCloseTo(exact, 4);
      expect(found.midP).toBeCloseTo(midP, 4);
    }
  });

  it('finds no difference where there is none', () => {
    expect(mcnemar(0, 0)).toEqual({ exact: 1, midP: 1, chiSquare: null });
    expect(mcnemar(5, 5)).toEqual({ exact: 1, midP: 1 - 252 / 1024 / 2, chiSquare: 0 });
  });

  it('gives the statistic with continuity correction, as in papers', () => {
    // (|16 - 6| - 1)² / 22
    expect(mcnemar(6, 16).chiSquare).toBeCloseTo(81 / 22, 12);
  });

  it('works for thousands of pairs, where it approaches the normal distribution', () => {
    // (2050 - 1950) / √4000 = 1.5811: 0.11385 two-sided.
    expect(mcnemar(1950, 2050).midP).toBeCloseTo(0.11385, 4);
  });
});

describe('the difference of paired shares', () => {
  it('is the second minus the first, with the interval of Bonett and Price', () => {
    // 1 and 7 of 21: (8 - 2)/23 ± 1.96 √((10/23 - (6/23)²)/23), by hand.
    const found = pairedDifference(1, 7, 21);
    expect(found?.share).toBeCloseTo(6 / 21, 12);
    expect(found?.low).toBeCloseTo(0.01338, 4);
    expect(found?.high).toBeCloseTo(0.50836, 4);
    expect(pairedDifference(7, 1, 21)?.share).toBeCloseTo(-6 / 21, 12);
    expect(pairedDifference(0, 0, 0)).toBeNull();
  });

  it('has an interval that contains the true difference in about 95 of 100 samples', () => {
    // Of 60 pairs, each only-first by 0.05 and only-second by 0.2; a linear congruential generator.
    let state = 7;
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    const held = Array.from({ length: 2000 }, () => {
      const draws = Array.from({ length: 60 }, random);
      const less = draws.filter((draw) => draw < 0.05).length;
      const more = draws.filter((draw) => draw >= 0.05 && draw < 0.25).length;
      const found = pairedDifference(less, more, 60);
      return found !== null && found.low <= 0.15 && found.high >= 0.15;
    });
    const share = held.filter(Boolean).length / held.length;
    expect(share).toBeGreaterThan(0.93);
    expect(share).toBeLessThan(0.97);
  });
});
