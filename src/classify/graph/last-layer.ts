import { createHash } from 'node:crypto';
import { activate, type Chain, type DenseLayer } from './chain.js';

/**
 * The hash of everything before the last layer. Networks with the same hash have the same features, whatever their last
 * layer is.
 */
export function featuresHash({ input, features, head }: Chain): string {
  const hash = createHash('sha256').update(JSON.stringify(input));
  const add = (about: object, ...values: Float32Array[]) => {
    hash.update(JSON.stringify(about));
    for (const { buffer, byteOffset, byteLength } of values)
      hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  };
  for (const { kernel, bias, ...about } of features) add(about, kernel, bias);
  for (const { weights, bias, ...about } of head.slice(0, -1)) add(about, weights, bias);
  return hash.digest('hex');
}

/** What enters the last layer. @param featureMaps of the last convolution, [rows, columns, channels] */
export const featuresOf = ({ head }: Pick<Chain, 'head'>, featureMaps: Float32Array): Float32Array =>
  head
    .slice(0, -1)
    .reduce((vector, layer) => throughDense(layer, vector), pooled(featureMaps, head[0]?.inputs ?? 0));

/** The scores of what enters the last layer. */
export const scoresOf = ({ head }: Pick<Chain, 'head'>, features: Float32Array): Float32Array =>
  softmax(head.slice(-1).reduce((vector, last) => throughDense(last, vector), features));

/** The mean of each channel over the picture. @param values [rows, columns, channels] */
function pooled(values: Float32Array, channels: number): Float32Array {
  const sums = new Float64Array(channels);
  for (let i = 0; i < values.length; i++) sums[i % channels] = at(sums, i % channels) + at(values, i);
  return Float32Array.from(sums, (sum) => (sum * channels) / values.length);
}

/** The output of a fully connected layer for one picture. */
export function throughDense(layer: DenseLayer, features: ArrayLike<number>): Float32Array {
  const { inputs, outputs, weights, bias, activation } = layer;
  const sums = Float64Array.from(bias);
  for (let i = 0; i < inputs; i++) {
    const value = at(features, i);
    for (let o = 0; o < outputs; o++) sums[o] = at(sums, o) + value * at(weights, i * outputs + o);
  }
  return Float32Array.from(sums, (sum) => activate(activation, sum));
}

export function softmax(logits: ArrayLike<number>): Float32Array {
  const all = Array.from(logits);
  const highest = Math.max(...all);
  const powers = all.map((logit) => Math.exp(logit - highest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return Float32Array.from(powers, (power) => power / sum);
}

// All indices come from the lengths.
const at = (values: ArrayLike<number>, index: number) => values[index] as number;
