import { decide, otherClass } from '../classify/decide.js';
import { softmax } from '../classify/graph/last-layer.js';
import type { Network, Thresholds } from '../classify/network.js';

/** The output of a head for a picture, and the index of the right class. */
export interface Scored {
  readonly logits: Float64Array;
  readonly target: number;
}

/** −log of the score of the right class. */
export function crossEntropy({ logits, target }: Scored, temperature = 1): number {
  const highest = logits.reduce((a, b) => Math.max(a, b)) / temperature;
  const sum = logits.reduce((total, logit) => total + Math.exp(logit / temperature - highest), 0);
  return highest + Math.log(sum) - (logits[target] ?? 0) / temperature;
}

/** With fewer pictures, temperature and thresholds stay as they were: they would be chance. */
export const fewestForCalibration = 100;

/**
 * The temperature of least cross-entropy (C. Guo et al., ICML 2017), by golden section.
 * @param mayFall whether it may be below 1, which raises the scores
 */
export function temperatureOf(scored: readonly Scored[], mayFall: boolean): number {
  if (scored.length < fewestForCalibration) return 1;
  const loss = (logarithm: number) =>
    scored.reduce((sum, one) => sum + crossEntropy(one, Math.exp(logarithm)), 0);
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [mayFall ? Math.log(0.2) : 0, Math.log(5)];
  while (high - low > 1e-3) {
    const [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
    if (loss(a) < loss(b)) high = b;
    else low = a;
  }
  return Math.exp((low + high) / 2);
}

export const scoresOf = ({ logits }: Pick<Scored, 'logits'>, temperature: number): Float32Array =>
  softmax(logits.map((logit) => logit / temperature));

/** With fewer pictures of none of the categories, nothing says which of them a lower threshold lets through. */
export const fewestOthers = 20;

/** What the thresholds aim at, each a share. They are those of the embedded network's training. */
export const goals = {
  /** Of the pictures that are given a category, those for which it is right. */
  right: 0.99,
  /** Of the pictures of the categories, those that are given one. */
  labelled: 0.92,
  /** Of the `other` pictures, those that are given none. */
  caught: 0.9,
};

/**
 * The thresholds that keep the largest distance to the goals. A distance is a share of the way from the goal to 1; the
 * smallest of the three counts, then a little their sum. `unknownBelow` concerns at most 0.5 % of the pictures whose
 * best class is a category.
 * @param mayFall whether they may be below the present ones
 */
export function thresholdsOf(
  scored: readonly Scored[],
  temperature: number,
  classes: readonly string[],
  present: Thresholds,
  mayFall: boolean,
): Thresholds {
  if (scored.length < fewestForCalibration) return present;
  const pictures = scored.map((one) => {
    const scores = scoresOf(one, temperature);
    return { scores, truth: classes[one.target] ?? otherClass, ...bestOf(scores, classes) };
  });
  const named = pictures.filter(({ best, truth }) => best !== otherClass && truth !== otherClass);
  const bests = named.map(({ score }) => score).sort((a, b) => a - b);
  const lowest = Math.floor(Math.min(0.5, bests[Math.floor(bests.length * 0.005)] ?? 0.2) * 100) / 100;
  const least: Thresholds = mayFall ? { threshold: 0, margin: 0, unknownBelow: 0 } : present;
  let found = { thresholds: present, value: Number.NEGATIVE_INFINITY };
  for (let percent = 30; percent <= 96; percent += 2)
    for (const margin of [0, 0.1, 0.2, 0.3]) {
      const threshold = percent / 100;
      if (threshold < least.threshold || margin < least.margin) continue;
      const unknownBelow = Math.max(Math.min(lowest, threshold), least.unknownBelow);
      const thresholds = { threshold, margin, unknownBelow };
      const value = distance(pictures, { classes, thresholds });
      if (value > found.value + 1e-9) found = { thresholds, value };
    }
  return found.thresholds;
}

function bestOf(scores: Float32Array, classes: readonly string[]): { best: string; score: number } {
  const score = scores.reduce((a, b) => Math.max(a, b));
  return { best: classes[scores.indexOf(score)] ?? otherClass, score };
}

interface ScoredPicture {
  readonly scores: Float32Array;
  readonly truth: string;
}

function distance(pictures: readonly ScoredPicture[], rule: Pick<Network, 'classes' | 'thresholds'>): number {
  let [labelled, right, known, knownLabelled, others, caught] = [0, 0, 0, 0, 0, 0];
  for (const { scores, truth } of pictures) {
    const { category } = decide(scores, rule, 1);
    if (category !== undefined) labelled++;
    if (category === truth) right++;
    if (truth === otherClass) {
      others++;
      if (category === undefined) caught++;
    } else {
      known++;
      if (category !== undefined) knownLabelled++;
    }
  }
  // A goal for which there are no pictures is not reached: it does not count.
  const spareOf = (goal: number, count: number, of: number) =>
    of === 0 ? [] : [(count / of - goal) / (1 - goal)];
  const spare = [
    ...spareOf(goals.right, right, labelled),
    ...spareOf(goals.labelled, knownLabelled, known),
    ...spareOf(goals.caught, caught, others),
  ];
  return Math.min(...spare) + 0.1 * spare.reduce((a, b) => a + b, 0);
}
