import type { Network } from '../classify/network.js';
import { type Comparison, comparisonOf } from '../evaluate/comparison.js';
import type { EvaluatedPicture } from '../evaluate/evaluate-pictures.js';
import { type CategoryRow, type Figures, figuresOf } from '../evaluate/figures.js';
import { percent, pText } from '../evaluate/format.js';
import { trueClass } from '../evaluate/ground-truth.js';
import { mcnemar } from '../evaluate/statistics.js';

/** A difference with a larger p counts as chance. */
const level = 0.05;
/** Of the network's confident decisions, the share that the candidate must make too. */
const leastKept = 0.95;

/** How the candidate compares with the network in use, on pictures to which it was not fitted. */
export interface Verdict {
  /** Pictures whose best class is the name that people gave: only the old network, only the candidate, all. */
  readonly named: {
    readonly onlyOld: number;
    readonly onlyNew: number;
    readonly old: number;
    readonly new: number;
    readonly n: number;
    /** McNemar's exact test, one-sided: how often chance would favour the candidate as much. */
    readonly p: number;
  };
  readonly figures: { readonly old: Figures; readonly new: Figures };
  /** On categories that both have, and on pictures of none of these. */
  readonly comparison: Comparison;
  readonly newCategories: readonly CategoryRow[];
  /** Categories that the candidate names right less often. */
  readonly worse: readonly {
    readonly category: string;
    readonly before: number;
    readonly after: number;
    readonly n: number;
  }[];
  /** Of replayed decisions, those that the candidate makes too; `of` is 0 without replay. */
  readonly kept: { readonly count: number; readonly of: number };
  /** Why the candidate is not to be used; empty: it is better. */
  readonly objections: readonly string[];
}

type Classes = Pick<Network, 'classes'>;

/**
 * @param before results of the network in use
 * @param after out-of-fold results of the candidate, of the same pictures in the same order
 */
export function verdictOf(
  before: readonly EvaluatedPicture[],
  after: readonly EvaluatedPicture[],
  networks: { readonly old: Classes; readonly new: Classes },
  kept: Verdict['kept'],
): Verdict {
  const isNamed = ({ picture, best }: EvaluatedPicture) =>
    best.category === trueClass(networks.new, picture.label);
  const pairs = before.map((one, i) => [isNamed(one), isNamed(after[i] ?? one)] as const);
  const onlyOld = pairs.filter(([old, now]) => old && !now).length;
  const onlyNew = pairs.filter(([old, now]) => !old && now).length;
  const named = {
    onlyOld,
    onlyNew,
    old: before.filter(isNamed).length,
    new: after.filter(isNamed).length,
    n: before.length,
    p: onlyNew > onlyOld ? mcnemar(onlyOld, onlyNew).exact / 2 : 1,
  };
  const comparison = comparisonOf(before, after, [networks.old, networks.new], 24);
  const figures = { old: figuresOf(before, networks.old), new: figuresOf(after, networks.new) };
  const added = networks.new.classes.filter((name) => !networks.old.classes.includes(name));
  const worse = comparison.categories
    .filter((row) => row.onlyFirst > row.onlySecond)
    .map(({ category, n, first, second }) => ({ category, n, before: first.count, after: second.count }));
  const verdict = {
    named,
    figures,
    comparison,
    newCategories: figures.new.categories.filter(({ category }) => added.includes(category)),
    worse,
    kept,
  };
  return { ...verdict, objections: objectionsTo(verdict) };
}

function objectionsTo({ named, comparison, kept }: Omit<Verdict, 'objections'>): string[] {
  const { best, given, otherCaught } = comparison;
  const objections: string[] = [];
  if (named.p >= level)
    objections.push(
      `it names ${named.new} of ${named.n} pictures as people do, and the network in use ${named.old}, which can be chance (p ${pText(named.p)})`,
    );
  if (best.onlySecond < best.onlyFirst)
    objections.push(
      `of the categories that both know, it names ${best.second.count} of ${best.n} right, and the network in use ${best.first.count}`,
    );
  const isLess = ({ onlyFirst, onlySecond, mcnemar: { exact } }: Comparison['given']) =>
    onlySecond < onlyFirst && exact < level;
  if (isLess(otherCaught))
    objections.push(
      `of the pictures of no category, it gives ${otherCaught.n - otherCaught.second.count} of ${otherCaught.n} a category, and the network in use ${otherCaught.n - otherCaught.first.count}`,
    );
  if (isLess(given))
    objections.push(
      `it gives ${given.second.count} of ${given.n} the right category at its thresholds, and the network in use ${given.first.count}`,
    );
  if (kept.of > 0 && kept.count / kept.of < leastKept)
    objections.push(
      `it agrees with only ${percent(kept.count / kept.of)} % of the confident decisions of the network in use`,
    );
  return objections;
}
