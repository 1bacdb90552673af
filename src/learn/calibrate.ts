import { decide, otherClass } from '../classify/decide.js';
import { softmax } from '../classify/graph/last-layer.js';
import type { Network, Thresholds } from '../classify/network.js';

/** The output of a head for a picture, and the index of the right class. */
export interface Scored {
  readonly logits: Float64Array;
  readonly target: number;
  /** Whether a person gave the class; else it is a confident decision of the network, which is easy for it. */
  readonly isSaid: boolean;
}

/** −log of the score of the right class. */
export function crossEntropy({ logits, target }: Pick<Scored, 'logits' | 'target'>, temperature = 1): number {
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
  /** Of the pictures that people looked at and that are given a category, those for which it is right. */
  right: 0.99,
  /** Of the pictures of the categories, those that are given one. */
  labelled: 0.92,
  /** Of the `other` pictures, those that are given none. */
  caught: 0.9,
};

/**
 * The thresholds that keep the largest distance to the goals. A distance is a share of the way from the goal to 1. A wrong
 * category is worse than none, so first come the goals for `right` and `caught`, as far as they are missed. Then the smallest
 * of the three counts, then a little their sum. `unknownBelow` concerns at most 0.5 % of the pictures whose best class is a
 * category.
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
    const truth = classes[one.target] ?? otherClass;
    return { scores, truth, isSaid: one.isSaid, ...bestOf(scores, classes) };
  });
  const named = pictures.filter(({ best, truth }) => best !== otherClass && truth !== otherClass);
  const bests = named.map(({ score }) => score).sort((a, b) => a - b);
  const lowest = Math.floor(Math.min(0.5, bests[Math.floor(bests.length * 0.005)] ?? 0.2) * 100) / 100;
  const least: Thresholds = mayFall ? { threshold: 0, margin: 0, unknownBelow: 0 } : present;
  let found = { thresholds: present, missed: Number.POSITIVE_INFINITY, spare: Number.NEGATIVE_INFINITY };
  for (const threshold of steps)
    for (const margin of [0, 0.1, 0.2, 0.3]) {
      if (threshold < least.threshold || margin < least.margin) continue;
      const unknownBelow = Math.max(Math.min(lowest, threshold), least.unknownBelow);
      const thresholds = { threshold, margin, unknownBelow };
      const { missed, spare } = distances(pictures, { classes, thresholds });
      const isCloser = missed < found.missed - tiny;
      if (isCloser || (missed < found.missed + tiny && spare > found.spare + tiny))
        found = { thresholds, missed, spare };
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
  readonly isSaid: boolean;
}

/** Thresholds that are tried. */
const steps = [
  ...Array.from({ length: 35 }, (_, i) => (30 + 2 * i) / 100),
  0.99,
  0.995,
  0.998,
  0.999,
  0.9998,
];
/** Smaller differences are of rounding. */
const tiny = 1e-9;

/** How far the goals for `right` and `caught` are missed, 0 or more, and what is to spare of all three. */
function distances(
  pictures: readonly ScoredPicture[],
  rule: Pick<Network, 'classes' | 'thresholds'>,
): { missed: number; spare: number } {
  let [said, right, known, labelled, others, caught] = [0, 0, 0, 0, 0, 0];
  for (const { scores, truth, isSaid } of pictures) {
    const { category } = decide(scores, rule, 1);
    if (isSaid && category !== undefined) said++;
    if (isSaid && category === truth) right++;
    if (truth === otherClass) {
      others++;
      if (category === undefined) caught++;
    } else {
      known++;
      if (category !== undefined) labelled++;
    }
  }
  // A goal for which there are no pictures is not reached: it does not count.
  const spareOf = (goal: number, count: number, of: number) =>
    of === 0 ? [] : [(count / of - goal) / (1 - goal)];
  const first = [...spareOf(goals.right, right, said), ...spareOf(goals.caught, caught, others)];
  const all = [...first, ...spareOf(goals.labelled, labelled, known)];
  // One wrong of 60 can be chance: a standard error is left.
  const allowed = (1 - goals.right) * said;
  const tooMany = Math.max(0, said - right - allowed - Math.sqrt(allowed)) / Math.max(said, 1);
  return {
    missed: Math.max(tooMany / (1 - goals.right), -Math.min(0, ...spareOf(goals.caught, caught, others))),
    spare: Math.min(...all) + 0.1 * all.reduce((a, b) => a + b, 0),
  };
}
