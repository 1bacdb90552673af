import { otherClass } from '../classify/decide.js';
import type { Network } from '../classify/network.js';
import { type Calibration, calibrationOf } from './calibration.js';
import { type CurvePoint, curveOf } from './curve.js';
import { type EvaluatedPicture, forcedChoice } from './evaluate-pictures.js';
import { trueClass } from './ground-truth.js';
import { groupBy, mean, type Proportion, proportion } from './statistics.js';

/** Figures of any set of pictures. `other` here is every label that is no category of the network. */
export interface Summary {
  /** Pictures of the categories, and pictures of none of them. */
  readonly pictures: { readonly categories: number; readonly other: number };
  /** Nothing held back: of the pictures of the categories, those whose best class is theirs. */
  readonly accuracy: Proportion;
  /** Mean of the sensitivities of the categories that have pictures; null where none has. */
  readonly balancedAccuracy: number | null;
  /**
   * Both once more with `other` no answer either: to set a network that has that class beside one that has not, or
   * beside a paper's. The same figures where the network has none.
   */
  readonly forcedChoice: Pick<Summary, 'accuracy' | 'balancedAccuracy'>;
  /** At the thresholds: of the pictures of the categories, those that are given a category. */
  readonly labelled: Proportion;
  /** At the thresholds: of all pictures that are given a category, those for which it is right. An `other` picture with a category is wrong. */
  readonly rightOfLabelled: Proportion;
  /** At the thresholds: of the `other` pictures, those that are given no category. */
  readonly otherCaught: Proportion;
}

export interface CategoryRow {
  readonly category: string;
  readonly n: number;
  /** Nothing held back; among the pictures of the categories. */
  readonly sensitivity: Proportion;
  readonly specificity: Proportion;
  readonly ppv: Proportion;
  /** The positive predictive value with the `other` pictures among the pictures, as in use. */
  readonly ppvWithOther: Proportion;
}

export interface Confusion {
  /** Labels. */
  readonly rows: readonly string[];
  /** Best classes. */
  readonly columns: readonly string[];
  /** [row][column] */
  readonly counts: readonly (readonly number[])[];
}

export interface Figures extends Summary {
  readonly decisions: Readonly<Record<EvaluatedPicture['decision'], number>>;
  readonly categories: readonly CategoryRow[];
  readonly confusion: Confusion;
  /** Threshold against share labelled and share right; the margin held at 0. */
  readonly curve: readonly CurvePoint[];
  readonly calibration: Calibration;
  readonly groups: readonly (Summary & { readonly group: string })[];
  /** Labels that are no category of the network, with how many pictures they have; `other` itself is not among them. */
  readonly foreignLabels: Readonly<Record<string, number>>;
}

export function figuresOf(seen: readonly EvaluatedPicture[], network: Pick<Network, 'classes'>): Figures {
  const categories = network.classes.filter((name) => name !== otherClass);
  const confusion = confusionOf(seen, network, categories);
  const decisions = { category: 0, needs_review: 0, unknown_view: 0 };
  for (const { decision } of seen) decisions[decision]++;
  const foreign = seen
    .map(({ picture }) => picture.label)
    .filter((label) => label !== otherClass && trueClass(network, label) === otherClass);
  return {
    ...summaryOf(seen, network),
    decisions,
    categories: categoryRows(confusion, categories),
    confusion,
    curve: curveOf(seen, network),
    calibration: calibrationOf(seen, network),
    groups: groupsOf(seen).map(([group, members]) => ({ group, ...summaryOf(members, network) })),
    foreignLabels: countsOf(foreign),
  };
}

function summaryOf(seen: readonly EvaluatedPicture[], network: Pick<Network, 'classes'>): Summary {
  const judged = seen.map((one) => ({ ...one, truth: trueClass(network, one.picture.label) }));
  const known = judged.filter(({ truth }) => truth !== otherClass);
  const others = judged.filter(({ truth }) => truth === otherClass);
  const isRight = ({ best, truth }: (typeof judged)[number]) => best.category === truth;
  const isLabelled = ({ decision }: EvaluatedPicture) => decision === 'category';
  const labelled = judged.filter(isLabelled);
  const byTruth = [...groupBy(known, ({ truth }) => truth).values()];
  const accuracies = (isHit: typeof isRight) => ({
    accuracy: proportion(known.filter(isHit).length, known.length),
    balancedAccuracy: mean(byTruth.map((some) => some.filter(isHit).length / some.length)),
  });
  return {
    pictures: { categories: known.length, other: others.length },
    ...accuracies(isRight),
    forcedChoice: accuracies((one) => forcedChoice(one) === one.truth),
    labelled: proportion(known.filter(isLabelled).length, known.length),
    rightOfLabelled: proportion(labelled.filter(isRight).length, labelled.length),
    otherCaught: proportion(others.filter((one) => !isLabelled(one)).length, others.length),
  };
}

function confusionOf(
  seen: readonly EvaluatedPicture[],
  network: Pick<Network, 'classes'>,
  categories: readonly string[],
): Confusion {
  const rows = [...categories, otherClass];
  const columns = network.classes;
  const counts = rows.map(() => columns.map(() => 0));
  for (const { picture, best } of seen) {
    const row = counts[rows.indexOf(trueClass(network, picture.label))];
    const column = columns.indexOf(best.category);
    if (row?.[column] !== undefined) row[column]++;
  }
  return { rows, columns, counts };
}

function categoryRows({ rows, columns, counts }: Confusion, categories: readonly string[]): CategoryRow[] {
  const count = (isRow: (name: string) => boolean, isColumn: (name: string) => boolean) =>
    sum(
      counts
        .filter((_, i) => isRow(rows[i] ?? ''))
        .map((row) => sum(row.filter((_, j) => isColumn(columns[j] ?? '')))),
    );
  const any = () => true;
  const isKnown = (name: string) => name !== otherClass;
  const all = count(isKnown, any);
  return categories.map((category) => {
    const isIt = (name: string) => name === category;
    const n = count(isIt, any);
    const hits = count(isIt, isIt);
    const said = count(isKnown, isIt);
    return {
      category,
      n,
      sensitivity: proportion(hits, n),
      specificity: proportion(all - n - (said - hits), all - n),
      ppv: proportion(hits, said),
      ppvWithOther: proportion(hits, count(any, isIt)),
    };
  });
}

/** By name; none where the pictures carry no groups. */
const groupsOf = (seen: readonly EvaluatedPicture[]): [string, EvaluatedPicture[]][] =>
  [...groupBy(seen, ({ picture }) => picture.group)]
    .flatMap(([group, members]): [string, EvaluatedPicture[]][] =>
      group === undefined ? [] : [[group, members]],
    )
    .sort(([a], [b]) => (a < b ? -1 : 1));

const countsOf = (labels: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    [...groupBy(labels, (label) => label)]
      .map(([label, some]) => [label, some.length] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
