import type * as core from '@tensorflow/tfjs-core';
import type { Head } from './head.js';
import { minimise } from './minimise.js';

/** Pictures to fit to. */
export interface Examples {
  /** One row for each picture. */
  readonly features: readonly Float32Array[];
  /** Index of the right output of each picture. */
  readonly targets: readonly number[];
  /** How much each picture counts. */
  readonly weights: readonly number[];
}

/** Where the features lie, so that the pull has one scale for every network. */
export interface Scale {
  readonly mean: Float64Array;
  /** Root of the mean squared distance from the mean. */
  readonly spread: number;
}

export function scaleOf(features: readonly Float32Array[]): Scale {
  const [first] = features;
  const mean = new Float64Array(first?.length ?? 0);
  for (const row of features)
    for (let i = 0; i < row.length; i++) mean[i] = at(mean, i) + at(row, i) / features.length;
  let squares = 0;
  for (const row of features) for (let i = 0; i < row.length; i++) squares += (at(row, i) - at(mean, i)) ** 2;
  return { mean, spread: Math.sqrt(squares / Math.max(features.length, 1)) || 1 };
}

/**
 * What is added to a head: [inputs + 1, classes] for features that are centred and scaled. The last input is 1 always.
 */
export type Change = Float64Array;

/** Features on the device of TensorFlow.js, [pictures, inputs + 1]. */
export function scaledFeatures(
  tf: typeof core,
  features: readonly Float32Array[],
  scale: Scale,
): core.Tensor2D {
  const inputs = scale.mean.length;
  const values = new Float32Array(features.length * (inputs + 1));
  features.forEach((row, i) => {
    for (let j = 0; j < inputs; j++)
      values[i * (inputs + 1) + j] = (at(row, j) - at(scale.mean, j)) / scale.spread;
    values[i * (inputs + 1) + inputs] = 1;
  });
  return tf.tensor2d(values, [features.length, inputs + 1]);
}

/** Logits [pictures, classes] of a change. */
export function changedLogits(
  tf: typeof core,
  x: core.Tensor2D,
  base: Float32Array,
  change: Change,
): Float64Array {
  const [, inputs] = x.shape;
  const added = tf.tidy(() => {
    const matrix = tf.tensor2d(Float32Array.from(change), [inputs, change.length / inputs]);
    return tf.matMul(x, matrix).dataSync<'float32'>();
  });
  return Float64Array.from(base, (value, i) => value + at(added, i));
}

/** Of the gradient, a picture. A smaller one changes no figure (docs/decisions/learning.md). */
const precision = 1e-3;

/**
 * Multinomial logistic regression that is pulled towards the old head: the least
 * Σ weight · cross-entropy + strength / 2 · ‖change‖².
 * @param x scaled features of the pictures
 * @param base logits of the old head, [pictures, classes]
 * @param start the change at which the search begins
 */
export function fitChange(
  tf: typeof core,
  x: core.Tensor2D,
  base: Float32Array,
  { targets, weights }: Pick<Examples, 'targets' | 'weights'>,
  strength: number,
  start: Change,
): Change {
  const [pictures, inputs] = x.shape;
  const classes = start.length / inputs;
  const residual = new Float32Array(pictures * classes);
  // WebAssembly multiplies four times as fast where no operand is transposed on the way.
  const transposed = tf.transpose(x);
  const objective = (change: Float64Array, gradient: Float64Array): number => {
    const logits = changedLogits(tf, x, base, change);
    let loss = 0;
    for (let i = 0; i < pictures; i++) {
      const row = logits.subarray(i * classes, (i + 1) * classes);
      const highest = row.reduce((a, b) => Math.max(a, b));
      const sum = row.reduce((total, logit) => total + Math.exp(logit - highest), 0);
      const [target, weight] = [at(targets, i), at(weights, i)];
      loss += weight * (highest + Math.log(sum) - at(row, target));
      for (let c = 0; c < classes; c++)
        residual[i * classes + c] = weight * (Math.exp(at(row, c) - highest) / sum - (c === target ? 1 : 0));
    }
    const slopes = tf.tidy(() =>
      tf.matMul(transposed, tf.tensor2d(residual, [pictures, classes])).dataSync<'float32'>(),
    );
    for (let i = 0; i < change.length; i++) {
      gradient[i] = at(slopes, i) + strength * at(change, i);
      loss += (strength / 2) * at(change, i) ** 2;
    }
    return loss;
  };
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const { point } = minimise(objective, start, { tolerance: precision * total, evaluations: 200 });
  transposed.dispose();
  return point;
}

/** The head with the change, for features as they are. */
export function changedHead(head: Head, { mean, spread }: Scale, change: Change): Head {
  const { classes, inputs } = head;
  const weights = Float64Array.from(head.weights);
  const bias = Float64Array.from(head.bias);
  classes.forEach((_, c) => {
    bias[c] = at(bias, c) + at(change, inputs * classes.length + c);
    for (let i = 0; i < inputs; i++) {
      const added = at(change, i * classes.length + c) / spread;
      weights[i * classes.length + c] = at(weights, i * classes.length + c) + added;
      bias[c] = at(bias, c) - added * at(mean, i);
    }
  });
  return { ...head, weights: Float32Array.from(weights), bias: Float32Array.from(bias) };
}

// All indices come from the lengths.
const at = (values: ArrayLike<number>, index: number) => values[index] as number;
