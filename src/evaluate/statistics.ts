/** The 97.5 % quantile of the normal distribution, for two-sided 95 % intervals. */
const z = 1.959963984540054;

/** A share with its 95 % interval. All are 0 … 1. */
export interface Proportion {
  readonly count: number;
  readonly of: number;
  /** count / of; null where `of` is 0. */
  readonly share: number | null;
  readonly low: number;
  readonly high: number;
}

/**
 * A proportion with Wilson's interval (E. B. Wilson, JASA 1927;22:209–212; "method 3" of R. G. Newcombe, Statistics in
 * Medicine 1998;17:857–872). It assumes that the counted items are independent.
 */
export function proportion(count: number, of: number): Proportion {
  if (of === 0) return { count, of, share: null, low: 0, high: 1 };
  const share = count / of;
  const middle = share + (z * z) / (2 * of);
  const half = z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of));
  const scale = 1 + (z * z) / of;
  return {
    count,
    of,
    share,
    // Without rounding errors: these ends are exactly 0 and 1.
    low: count === 0 ? 0 : (middle - half) / scale,
    high: count === of ? 1 : (middle + half) / scale,
  };
}

/** Two-sided p values, and the statistic of older papers. */
export interface McNemar {
  /** Exact p value: a binomial test with probability 1/2 on the discordant pairs, for any number of pairs. */
  readonly exact: number;
  /** The exact p value minus the probability of the observed counts, which makes it less conservative. */
  readonly midP: number;
  /** χ² with one degree of freedom and Edwards' continuity correction; null without discordant pairs. */
  readonly chiSquare: number | null;
}

/**
 * McNemar's test of paired yes-or-no results (M. W. Fagerland, S. Lydersen, P. Laake, BMC Medical Research Methodology
 * 2013;13:91, who recommend the mid-p version).
 * @param onlyFirst pairs in which only the first is right
 * @param onlySecond pairs in which only the second is right
 */
export function mcnemar(onlyFirst: number, onlySecond: number): McNemar {
  const n = onlyFirst + onlySecond;
  if (n === 0) return { exact: 1, midP: 1, chiSquare: null };
  const chiSquare = Math.max(Math.abs(onlyFirst - onlySecond) - 1, 0) ** 2 / n;
  const least = Math.min(onlyFirst, onlySecond);
  // Binomial probabilities as logarithms, because 2^-n underflows from n = 1075 on.
  let logarithm = -n * Math.LN2;
  let below = 0;
  for (let k = 0; k < least; k++) {
    below += Math.exp(logarithm);
    logarithm += Math.log((n - k) / (k + 1));
  }
  const observed = Math.exp(logarithm);
  if (onlyFirst === onlySecond) return { exact: 1, midP: 1 - observed / 2, chiSquare };
  return { exact: 2 * (below + observed), midP: 2 * below + observed, chiSquare };
}

/** A difference of shares with its 95 % interval. All are -1 … 1. */
export interface Difference {
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Second share minus first, of paired yes-or-no results, with Wald's interval adjusted by D. G. Bonett and R. M. Price
 * (Journal of Educational and Behavioral Statistics 2012;37:479–488).
 * @param of number of all pairs
 * @returns null where `of` is 0
 */
export function pairedDifference(onlyFirst: number, onlySecond: number, of: number): Difference | null {
  if (of === 0) return null;
  const [less, more] = [(onlyFirst + 1) / (of + 2), (onlySecond + 1) / (of + 2)];
  const half = z * Math.sqrt((less + more - (more - less) ** 2) / (of + 2));
  return {
    share: (onlySecond - onlyFirst) / of,
    low: Math.max(more - less - half, -1),
    high: Math.min(more - less + half, 1),
  };
}

export const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

export function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
