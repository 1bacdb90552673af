import { otherClass } from '../classify/decide.js';
import type { Network } from '../classify/network.js';
import { type Comparison, comparisonOf } from '../evaluate/comparison.js';
import type { EvaluatedPicture } from '../evaluate/evaluate-pictures.js';
import { type CategoryRow, type Figures, figuresOf } from '../evaluate/figures.js';
import { percent, pText } from '../evaluate/format.js';
import { trueClass } from '../evaluate/ground-truth.js';
import { mcnemar } from '../evaluate/statistics.js';
import { fewestOthers, goals } from './calibrate.js';

/** A difference with a larger p counts as chance. */
const level = 0.05;
/** Of the network's confident decisions, the share that the candidate must make too. */
const leastKept = 0.95;

/** How often something holds: only for the old network, only for the candidate, for each, and of how many pictures. */
export interface Change {
  readonly onlyOld: number;
  readonly onlyNew: number;
  readonly old: number;
  readonly new: number;
  readonly n: number;
  /** McNemar's exact test, one-sided: how often chance would give the candidate as many more. */
  readonly p: number;
}

/** How the candidate compares with the network in use, on pictures to which it was not fitted. */
export interface Verdict {
  /** Pictures whose best class is the name that people gave. */
  readonly named: Change;
  /** Pictures that are given a wrong category. */
  readonly wrong: Change;
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
  /** Pictures of none of the categories, people's and replayed. */
  readonly others: number;
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
  { kept, others }: Pick<Verdict, 'kept' | 'others'>,
): Verdict {
  const isNamed = ({ picture, best }: EvaluatedPicture) =>
    best.category === trueClass(networks.new, picture.label);
  const isWrong = ({ picture, best, decision }: EvaluatedPicture) =>
    decision === 'category' && best.category !== picture.label;
  const comparison = comparisonOf(before, after, [networks.old, networks.new], 24);
  const figures = { old: figuresOf(before, networks.old), new: figuresOf(after, networks.new) };
  const added = networks.new.classes.filter((name) => !networks.old.classes.includes(name));
  const worse = comparison.categories
    .filter((row) => row.onlyFirst > row.onlySecond)
    .map(({ category, n, first, second }) => ({ category, n, before: first.count, after: second.count }));
  const verdict = {
    named: changeOf(before, after, isNamed),
    wrong: changeOf(before, after, isWrong),
    figures,
    comparison,
    newCategories: figures.new.categories.filter(({ category }) => added.includes(category)),
    worse,
    kept,
    others,
  };
  const tellsOthers = networks.old.classes.includes(otherClass);
  return { ...verdict, objections: objectionsTo(verdict, tellsOthers) };
}

function changeOf(
  before: readonly EvaluatedPicture[],
  after: readonly EvaluatedPicture[],
  holds: (result: EvaluatedPicture) => boolean,
): Change {
  const pairs = before.map((one, i) => [holds(one), holds(after[i] ?? one)] as const);
  const onlyOld = pairs.filter(([old, now]) => old && !now).length;
  const onlyNew = pairs.filter(([old, now]) => !old && now).length;
  return {
    onlyOld,
    onlyNew,
    old: before.filter(holds).length,
    new: after.filter(holds).length,
    n: before.length,
    p: onlyNew > onlyOld ? mcnemar(onlyOld, onlyNew).exact / 2 : 1,
  };
}

/** @param tellsOthers whether the network in use has the class `other` */
function objectionsTo(verdict: Omit<Verdict, 'objections'>, tellsOthers: boolean): string[] {
  const { named, wrong, figures, comparison, kept, others } = verdict;
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
  const [right, rightBefore] = [figures.new.rightOfLabelled, figures.old.rightOfLabelled.share ?? 1];
  // A network that gives nothing is never wrong: what reaches the goal is no fault.
  if (wrong.p < level && (right.share ?? 1) < goals.right)
    objections.push(
      `it gives ${wrong.new} of ${wrong.n} a wrong category, and the network in use ${wrong.old}, which is more than chance (p ${pText(wrong.p)})`,
    );
  // Of none that were given, none was wrong. The interval's upper end: two wrong of 150 can be chance.
  if (right.share !== null && right.share < rightBefore && right.high < goals.right)
    objections.push(
      `of ${right.of} that it gives, ${right.count} are right, beyond chance less than ${percent(goals.right)} %, and less than before`,
    );
  if (tellsOthers && others < fewestOthers)
    objections.push(
      `it cannot be told whether it still holds back pictures of none of the categories: there are ${others}, and it needs ${fewestOthers}; give such pictures with the label ${otherClass}, or have them replayed with --orthanc`,
    );
  if (kept.of > 0 && kept.count / kept.of < leastKept)
    objections.push(
      `it agrees with only ${percent(kept.count / kept.of)} % of the confident decisions of the network in use`,
    );
  return objections;
}
