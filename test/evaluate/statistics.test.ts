import { describe, expect, it } from 'vitest';
import { mcnemar, proportion } from '../../src/evaluate/statistics.js';

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

  it('ends at 0 and 1 exactly, and knows nothing of nothing', () => {
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

  it('sees no difference where there is none', () => {
    expect(mcnemar(0, 0)).toEqual({ exact: 1, midP: 1 });
    expect(mcnemar(5, 5)).toEqual({ exact: 1, midP: 1 - 252 / 1024 / 2 });
  });

  it('holds for thousands of pairs, where it nears the normal distribution', () => {
    // (2050 - 1950) / √4000 = 1.5811: 0.11385 two-sided.
    expect(mcnemar(1950, 2050).midP).toBeCloseTo(0.11385, 4);
  });
});
