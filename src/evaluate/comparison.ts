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

/** Counts of right answers of two networks on the same pictures. */
export interface Paired {
  readonly n: number;
  readonly both: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly neither: number;
  readonly first: Proportion;
  readonly second: Proportion;
  /** Second minus first; null without pictures. */
  readonly difference: Difference | null;
  readonly mcnemar: McNemar;
}

/** A picture on which exactly one of two networks is right. */
export interface Disagreement {
  readonly first: EvaluatedPicture;
  readonly second: EvaluatedPicture;
}

export interface Comparison {
  /** Right: the best class is the label, at any score. On pictures of categories that both have. */
  readonly best: Paired;
  /** As `best`, but `other` is no possible answer, so that a network without that class has no advantage. */
  readonly forcedChoice: Paired;
  /** Right: the category given at the network's own thresholds is the label. On the same pictures. */
  readonly given: Paired;
  /** Right: no category is given. On pictures of no category of either network. */
  readonly otherCaught: Paired;
  /** `best` by category. Categories without pictures are left out. */
  readonly categories: readonly (Paired & { readonly category: string })[];
  /** Number of pictures of categories that only one of them has. */
  readonly notCompared: number;
  /** Pictures on which exactly one is right at any score. The wrong answers with the highest scores come first. */
  readonly splits: readonly Disagreement[];
}

type Networks = readonly [Pick<Network, 'classes'>, Pick<Network, 'classes'>];

/**
 * Compares the results of two networks on the same pictures.
 * @param first in the same order as `second`
 * @param count most pictures in `splits`
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
  const isGiven = (result: EvaluatedPicture) => isBest(result) && result.decision === 'category';
  const isRejected = ({ decision }: EvaluatedPicture) => decision !== 'category';
  const categories = networks[0].classes.map((category) => ({
    category,
    ...pairedOf(
      known.filter(({ first: { picture } }) => picture.label === category),
      isBest,
    ),
  }));
  const wrongScore = ({ first: a, second: b }: Disagreement) => (isBest(a) ? b : a).best.score;
  return {
    best: pairedOf(known, isBest),
    forcedChoice: pairedOf(known, (result) => forcedChoice(result) === result.picture.label),
    given: pairedOf(known, isGiven),
    otherCaught: pairedOf(others, isRejected),
    categories: categories.filter(({ n }) => n > 0),
    notCompared: pairs.length - known.length - others.length,
    splits: known
      .filter((pair) => isBest(pair.first) !== isBest(pair.second))
      .sort((a, b) => wrongScore(b) - wrongScore(a))
      .slice(0, count),
  };
}

function pairedOf(pairs: readonly Disagreement[], isRight: (result: EvaluatedPicture) => boolean): Paired {
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
