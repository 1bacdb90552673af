import { otherClass } from '../classify/decide.js';
import type { Network } from '../classify/network.js';
import { type EvaluatedPicture, forcedChoice } from './evaluate-pictures.js';
import { trueClass } from './ground-truth.js';
import {
  type Difference,
  type McNemar,
  mcnemar,
  type Proportion,
  pairedDifference,
  proportion,
} from './statistics.js';

/** Two networks' successes at the same pictures. */
export interface Paired {
  readonly n: number;
  readonly both: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly neither: number;
  readonly first: Proportion;
  readonly second: Proportion;
  /** Second less first; null of nothing. */
  readonly difference: Difference | null;
  readonly mcnemar: McNemar;
}

/** What two networks were shown, and one of them got right. */
export interface Disagreement {
  readonly first: EvaluatedPicture;
  readonly second: EvaluatedPicture;
}

export interface Comparison {
  /** Nothing held back, on pictures of categories that both have: the best class is the label. */
  readonly best: Paired;
  /** The same with `other` no answer, so that a network without that class has no advantage. */
  readonly forcedChoice: Paired;
  /** The same pictures, each network at its own thresholds: the category given is the label. */
  readonly given: Paired;
  /** Pictures that are of no category of either: no category is given. */
  readonly otherCaught: Paired;
  /** `best` by category; those without pictures are left out. */
  readonly categories: readonly (Paired & { readonly category: string })[];
  /** Pictures of categories that only one of them has: not compared. */
  readonly notCompared: number;
  /** Where only the one or only the other is right, nothing held back; the surest errors first. */
  readonly splits: readonly Disagreement[];
}

type Networks = readonly [Pick<Network, 'classes'>, Pick<Network, 'classes'>];

/**
 * Compares what two networks said of the same pictures.
 * @param first in the same order as `second`
 * @param count how many splits are kept
 */
export function comparisonOf(
  first: readonly EvaluatedPicture[],
  second: readonly EvaluatedPicture[],
  networks: Networks,
  count: number,
): Comparison {
  const pairs = first.flatMap((one, i) => {
    const other = second[i];
    return other === undefined ? [] : [{ first: one, second: other }];
  });
  const truths = (label: string) => networks.map((network) => trueClass(network, label));
  const known = pairs.filter(({ first: { picture } }) => !truths(picture.label).includes(otherClass));
  const others = pairs.filter(({ first: { picture } }) =>
    truths(picture.label).every((truth) => truth === otherClass),
  );
  const isBest = ({ picture, best }: EvaluatedPicture) => best.category === picture.label;
  const isGiven = (seen: EvaluatedPicture) => isBest(seen) && seen.decision === 'category';
  const isCaught = ({ decision }: EvaluatedPicture) => decision !== 'category';
  const categories = networks[0].classes.map((category) => ({
    category,
    ...pairedOf(
      known.filter(({ first: { picture } }) => picture.label === category),
      isBest,
    ),
  }));
  const surest = ({ first: a, second: b }: Disagreement) => (isBest(a) ? b : a).best.score;
  return {
    best: pairedOf(known, isBest),
    forcedChoice: pairedOf(known, (seen) => forcedChoice(seen) === seen.picture.label),
    given: pairedOf(known, isGiven),
    otherCaught: pairedOf(others, isCaught),
    categories: categories.filter(({ n }) => n > 0),
    notCompared: pairs.length - known.length - others.length,
    splits: known
      .filter((pair) => isBest(pair.first) !== isBest(pair.second))
      .sort((a, b) => surest(b) - surest(a))
      .slice(0, count),
  };
}

function pairedOf(pairs: readonly Disagreement[], isRight: (seen: EvaluatedPicture) => boolean): Paired {
  const count = (inFirst: boolean, inSecond: boolean) =>
    pairs.filter(({ first, second }) => isRight(first) === inFirst && isRight(second) === inSecond).length;
  const [both, onlyFirst, onlySecond] = [count(true, true), count(true, false), count(false, true)];
  const n = pairs.length;
  return {
    n,
    both,
    onlyFirst,
    onlySecond,
    neither: count(false, false),
    first: proportion(both + onlyFirst, n),
    second: proportion(both + onlySecond, n),
    difference: pairedDifference(onlyFirst, onlySecond, n),
    mcnemar: mcnemar(onlyFirst, onlySecond),
  };
}
