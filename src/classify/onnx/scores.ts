import { createError } from '../../errors/errors.js';
import { softmax } from '../graph/last-layer.js';
import type { OnnxForm } from './fit.js';

type Output = OnnxForm['output'];

/** How far a softmax may be from 0 … 1, and its sum from 1. Some networks compute in half precision. */
const tolerance = 1e-2;

/** How far scores of one picture may be apart: rounding alone. */
const sameWithin = 1e-3;

/**
 * Scores of what the graph gives.
 * @param values [N, classes]
 * @throws network_output where they are no numbers, or no scores
 */
export function scoresOf(values: Float32Array, { values: kind, classes, name }: Output): Float32Array {
  const refuse = (problem: string) =>
    createError('network_output', { problem: `its output "${name}" ${problem}` });
  const wrong = values.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) throw refuse(`holds ${wrong} in place of a number`);
  if (kind === 'softmax') {
    const outside = values.find((value) => value < -tolerance || value > 1 + tolerance);
    if (outside !== undefined)
      throw refuse(
        `holds ${outside}, which is no softmax: \`output.values\` in the description must be "logits"`,
      );
    return values.map((value) => Math.min(1, Math.max(0, value)));
  }
  const scores = new Float32Array(values.length);
  for (let i = 0; i < values.length; i += classes) scores.set(softmax(values.subarray(i, i + classes)), i);
  return scores;
}

/**
 * What may be wrong with a description, by what the graph answers to two pictures of noise.
 * @param values [2, classes] @param alone of the second picture alone
 * @throws network_output
 */
export function suspicionsOf(values: Float32Array, alone: Float32Array, output: Output): string[] {
  const { classes, values: kind } = output;
  const scores = scoresOf(values, output);
  const sums = [0, 1].map((i) => sumOf(values.subarray(i * classes, (i + 1) * classes)));
  const addUp = sums.every((sum) => Math.abs(sum - 1) <= tolerance);
  const areFractions = values.every((value) => value >= 0 && value <= 1);
  const suspicions: string[] = [];
  if (kind === 'softmax' && !addUp)
    suspicions.push(
      `the outputs add up to ${sums.map((sum) => sum.toFixed(3)).join(' and ')}, not 1: they are no softmax (sigmoids?), and thresholds do not mean the same`,
    );
  if (kind === 'logits' && addUp && areFractions)
    suspicions.push(
      'the outputs are from 0 to 1 and add up to 1: they look like a softmax already, and a second one makes all scores alike. Then `output.values` is "softmax"',
    );
  const [first, second] = [scores.subarray(0, classes), scores.subarray(classes)];
  if (furthest(first, second) === 0)
    suspicions.push('two different pictures have the same scores: perhaps the weights are missing');
  if (furthest(second, scoresOf(alone, output)) > sameWithin)
    suspicions.push(
      'a picture has other scores beside another one, or the second time: perhaps it was exported in training mode (without model.eval())',
    );
  return suspicions;
}

const sumOf = (values: Float32Array) => values.reduce((a, b) => a + b, 0);
const furthest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);
