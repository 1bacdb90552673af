import type * as core from '@tensorflow/tfjs-core';
import type { Thresholds } from '../classify/network.js';
import { crossEntropy, type Scored, temperatureOf, thresholdsOf } from './calibrate.js';
import { type Change, changedLogits, fitChange, type Scale, scaledFeatures } from './fit.js';

/**
 * How strongly the old head pulls, the strongest first. With less than the last one, a network forgets
 * (docs/decisions/learning.md).
 */
export const strengths = [30, 10, 3, 1, 0.3, 0.1] as const;

/** What training fits to, one entry for each sample in each list. */
export interface TrainingSet {
  readonly features: readonly Float32Array[];
  /** Index of the right class. */
  readonly targets: readonly number[];
  /** Whether a person gave the class. */
  readonly isSaid: readonly boolean[];
  /** How much each sample counts. */
  readonly weights: readonly number[];
  /** Logits of the old head. */
  readonly base: readonly Float32Array[];
  readonly classes: readonly string[];
  readonly scale: Scale;
}

/** What a head says of a sample to which it was not fitted. Strength, temperature and thresholds are of other folds. */
export interface OutOfFold extends Scored {
  readonly temperature: number;
  readonly thresholds: Thresholds;
}

export interface CrossValidation {
  readonly outOfFold: readonly OutOfFold[];
  /** Chosen on all folds, for the head of all samples. */
  readonly strength: number;
  readonly temperature: number;
  readonly thresholds: Thresholds;
}

/**
 * Fits a head for each fold to the other folds, with each strength.
 * @param folds number of the fold of each sample
 * @param present thresholds of the old network
 * @param mayFall whether the candidate may hold back less than these
 */
export function crossValidate(
  tf: typeof core,
  set: TrainingSet,
  folds: readonly number[],
  present: Thresholds,
  mayFall: boolean,
  onFit: () => void,
): CrossValidation {
  const names = [...new Set(folds)];
  const bySample: { strength: number; scored: Scored; loss: number }[][] = folds.map(() => []);
  for (const fold of names) {
    const train = indices(folds, (of) => of !== fold);
    const held = indices(folds, (of) => of === fold);
    const heldFeatures = scaledFeatures(tf, pick(set.features, held), set.scale);
    const heldBase = flat(pick(set.base, held));
    fitPath(tf, set, train, strengths, (strength, change) => {
      const logits = changedLogits(tf, heldFeatures, heldBase, change);
      const width = set.classes.length;
      held.forEach((sample, i) => {
        const scored = {
          logits: logits.slice(i * width, (i + 1) * width),
          target: at(set.targets, sample),
          isSaid: at(set.isSaid, sample),
        };
        const loss = at(set.weights, sample) * crossEntropy(scored);
        at(bySample, sample).push({ strength, scored, loss });
      });
      onFit();
    });
    heldFeatures.dispose();
  }
  /** Strength, temperature and thresholds from these samples. */
  const chosenFrom = (samples: readonly number[]) => {
    const losses = strengths.map((_, s) =>
      samples.reduce((sum, sample) => sum + at(at(bySample, sample), s).loss, 0),
    );
    const index = losses.indexOf(Math.min(...losses));
    const scored = samples.map((sample) => at(at(bySample, sample), index).scored);
    const temperature = temperatureOf(scored, mayFall);
    const thresholds = thresholdsOf(scored, temperature, set.classes, present, mayFall);
    return { index, temperature, thresholds };
  };
  const ofOthers = new Map(
    names.map((fold) => [fold, chosenFrom(indices(folds, (of) => of !== fold))] as const),
  );
  const all = chosenFrom(indices(folds, () => true));
  return {
    outOfFold: folds.flatMap((fold, sample) => {
      const chosen = ofOthers.get(fold);
      if (chosen === undefined) return [];
      const { index, temperature, thresholds } = chosen;
      return [{ ...at(at(bySample, sample), index).scored, temperature, thresholds }];
    }),
    strength: at(strengths, all.index),
    temperature: all.temperature,
    thresholds: all.thresholds,
  };
}

/** The change for all samples at one strength. */
export function fitAll(tf: typeof core, set: TrainingSet, strength: number): Change {
  let result: Change = new Float64Array(0);
  // From the strongest pull on, as in the folds: each start is near its end.
  const path = strengths.filter((one) => one >= strength);
  fitPath(
    tf,
    set,
    indices(set.targets, () => true),
    path,
    (_, change) => {
      result = change;
    },
  );
  return result;
}

function fitPath(
  tf: typeof core,
  set: TrainingSet,
  samples: readonly number[],
  path: readonly number[],
  onChange: (strength: number, change: Change) => void,
): void {
  const x = scaledFeatures(tf, pick(set.features, samples), set.scale);
  const base = flat(pick(set.base, samples));
  const examples = { targets: pick(set.targets, samples), weights: pick(set.weights, samples) };
  let change: Change = new Float64Array(set.classes.length * x.shape[1]);
  for (const strength of path) {
    change = fitChange(tf, x, base, examples, strength, change);
    onChange(strength, change);
  }
  x.dispose();
}

const indices = <T>(values: readonly T[], isWanted: (value: T) => boolean): number[] =>
  values.flatMap((value, i) => (isWanted(value) ? [i] : []));

const pick = <T>(values: readonly T[], samples: readonly number[]): T[] => samples.map((i) => at(values, i));

function flat(rows: readonly Float32Array[]): Float32Array {
  const width = rows[0]?.length ?? 0;
  const all = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    all.set(row, i * width);
  });
  return all;
}

// All indices come from the lengths.
const at = <T>(values: readonly T[], index: number) => values[index] as T;
