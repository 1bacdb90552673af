import { otherClass } from '../classify/decide.js';
import type { Network } from '../classify/network.js';
import { type Calibration, calibrationOf } from './calibration.js';
import { type CurvePoint, curveOf } from './curve.js';
import { type EvaluatedPicture, forcedChoice } from './evaluate-pictures.js';
import { trueClass } from './ground-truth.js';
import { groupBy, mean, type Proportion, proportion } from './statistics.js';

/** Figures of a set of pictures. `other`: every label that is not a category of the network. */
export interface Summary {
  /** Number of pictures of the categories, and of none of them. */
  readonly pictures: { readonly categories: number; readonly other: number };
  /** Of the pictures of the categories, those whose best class is right, at any score. */
  readonly accuracy: Proportion;
  /** Mean sensitivity of the categories that have pictures; null where none has. */
  readonly balancedAccuracy: number | null;
  /**
   * The same with `other` as no possible answer, for a comparison with networks and papers without that class. For a
   * network without that class the figures are the same.
   */
  readonly forcedChoice: Pick<Summary, 'accuracy' | 'balancedAccuracy'>;
  /** At the thresholds: of the pictures of the categories, those that are given a category. */
  readonly labelled: Proportion;
  /**
   * At the thresholds: of all pictures that are given a category, those for which it is right. For an `other` picture
   * it is always wrong.
   */
  readonly rightOfLabelled: Proportion;
  /** At the thresholds: of the `other` pictures, those that are given no category. */
  readonly otherCaught: Proportion;
}

export interface CategoryRow {
  readonly category: string;
  readonly n: number;
  /** At any score, among the pictures of the categories; so are specificity and PPV. */
  readonly sensitivity: Proportion;
  readonly specificity: Proportion;
  readonly ppv: Proportion;
  /** Positive predictive value among all pictures, with the `other` pictures as in practice. */
  readonly ppvWithOther: Proportion;
}

export interface Confusion {
  /** Names of the labels. */
  readonly rows: readonly string[];
  /** Names of the best classes. */
  readonly columns: readonly string[];
  /** [row][column] */
  readonly counts: readonly (readonly number[])[];
}

export interface Figures extends Summary {
  readonly decisions: Readonly<Record<EvaluatedPicture['decision'], number>>;
  readonly categories: readonly CategoryRow[];
  readonly confusion: Confusion;
  /** Share labelled and share right by threshold, with a margin of 0. */
  readonly curve: readonly CurvePoint[];
  readonly calibration: Calibration;
  readonly groups: readonly (Summary & { readonly group: string })[];
  /** Labels other than `other` that are not categories of the network → number of pictures. */
  readonly foreignLabels: Readonly<Record<string, number>>;
}

export function figuresOf(
  evaluated: readonly EvaluatedPicture[],
  network: Pick<Network, 'classes'>,
): Figures {
  const categories = network.classes.filter((name) => name !== otherClass);
  const confusion = confusionOf(evaluated, network, categories);
  const decisions = { category: 0, needs_review: 0, unknown_view: 0 };
  for (const { decision } of evaluated) decisions[decision]++;
  const foreign = evaluated
    .map(({ picture }) => picture.label)
    .filter((label) => label !== otherClass && trueClass(network, label) === otherClass);
  return {
    ...summaryOf(evaluated, network),
    decisions,
    categories: categoryRows(confusion, categories),
    confusion,
    curve: curveOf(evaluated, network),
    calibration: calibrationOf(evaluated, network),
    groups: groupsOf(evaluated).map(([group, members]) => ({ group, ...summaryOf(members, network) })),
    foreignLabels: countsOf(foreign),
  };
}

function summaryOf(evaluated: readonly EvaluatedPicture[], network: Pick<Network, 'classes'>): Summary {
  const withTruth = evaluated.map((one) => ({ ...one, truth: trueClass(network, one.picture.label) }));
  const known = withTruth.filter(({ truth }) => truth !== otherClass);
  const others = withTruth.filter(({ truth }) => truth === otherClass);
  const isRight = ({ best, truth }: (typeof withTruth)[number]) => best.category === truth;
  const isLabelled = ({ decision }: EvaluatedPicture) => decision === 'category';
  const labelled = withTruth.filter(isLabelled);
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
  evaluated: readonly EvaluatedPicture[],
  network: Pick<Network, 'classes'>,
  categories: readonly string[],
): Confusion {
  const rows = [...categories, otherClass];
  const columns = network.classes;
  const counts = rows.map(() => columns.map(() => 0));
  for (const { picture, best } of evaluated) {
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
    const isThis = (name: string) => name === category;
    const n = count(isThis, any);
    const hits = count(isThis, isThis);
    const predicted = count(isKnown, isThis);
    return {
      category,
      n,
      sensitivity: proportion(hits, n),
      specificity: proportion(all - n - (predicted - hits), all - n),
      ppv: proportion(hits, predicted),
      ppvWithOther: proportion(hits, count(any, isThis)),
    };
  });
}

/** Groups sorted by name; empty where the pictures have none. */
const groupsOf = (evaluated: readonly EvaluatedPicture[]): [string, EvaluatedPicture[]][] =>
  [...groupBy(evaluated, ({ picture }) => picture.group)]
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
