import { createError } from '../../errors/errors.js';
import type { Chain } from '../graph/chain.js';
import { featuresOf, scoresOf } from '../graph/last-layer.js';
import type { PictureRange } from '../graph/quantise.js';
import { runReference } from '../graph/reference.js';
import { convolvedSize, noPads, type Pads, padsOf, type Size, type Step } from '../graph/steps.js';
import type { Engine } from './engine.js';

/** Greatest difference of a score from the reference: ten times the largest observed effect of float32. */
export const tolerance = 1e-4;

/**
 * Greatest relative error of feature maps in int8 (root mean square): rounding makes 0.062 to 0.066 in the embedded network on noise.
 * Processors without VNNI limit the sum of two products to 16 bits, which makes 0.14 to 0.17.
 */
export const int8Tolerance = 0.1;

/** What the reference gives for the first picture of the self-test. */
export interface KnownAnswer extends Size {
  readonly scores: ArrayLike<number>;
}

/**
 * Tests an engine on two seeded noise pictures, before it is used. It compares the scores with the float64 reference (in
 * int8 the feature maps, because scores between two categories say little), and a batch with single pictures. It also checks that the scores add up to 1, and that they follow from the feature maps.
 *
 * The pictures are small, so the test takes a tenth of a second instead of two. The network is convolutional and uses
 * every weight at any size. Only the full size stays untested, and no weight depends on it.
 * @param int8 of an engine that computes in int8: the range of pictures, which the noise then has
 * @param known of these steps, in float32: the reference then need not be computed
 * @throws engine_wrong
 */
export async function selfTest(
  engine: Engine,
  steps: readonly Step[],
  chain: Chain,
  int8?: PictureRange,
  known?: KnownAnswer,
): Promise<void> {
  const size = testSize(steps, chain.input);
  const length = size.height * size.width * 3;
  const [low, high] = int8 ?? [-1, 1];
  const pictures = noise(2 * length, 1).map((value) => low + ((value + 1) / 2) * (high - low));
  const { scores: together } = await engine.infer(pictures, size);
  const { scores: second, featureMaps = new Float32Array() } = await engine.infer(
    pictures.slice(length),
    size,
  );
  const classes = together.length / 2;

  const problem = (what: string) =>
    createError('engine_wrong', { engine: engine.name, device: engine.device, problem: what });
  if (classes !== chain.classes) throw problem(`it gives ${classes} scores instead of ${chain.classes}`);
  // The negations also catch NaN, because every comparison with NaN is false.
  if (int8 === undefined) {
    const isKnown = known?.height === size.height && known.width === size.width;
    const { scores } = isKnown ? known : answerOf(steps, chain);
    const difference = maxDifference(together.subarray(0, classes), scores);
    if (!(difference <= tolerance)) throw problem(`its scores are ${difference} off`);
  } else {
    const pool = steps.findIndex(({ kind }) => kind === 'pool');
    const error = relativeError(
      featureMaps,
      runReference(steps.slice(0, pool), pictures.subarray(length), size),
    );
    if (!(error <= int8Tolerance))
      throw problem(
        `in int8, this network is ${percent(error)} off on this processor, and may be ${percent(int8Tolerance)}: set PLAINVIEW_PRECISION (--precision) to float32`,
      );
  }
  if (!(maxDifference(together.subarray(classes), second) <= tolerance))
    throw problem('a picture in a batch is scored otherwise than alone');
  const sum = second.reduce((a, b) => a + b, 0);
  if (!(Math.abs(sum - 1) <= tolerance)) throw problem(`its scores add up to ${sum}`);
  const follow = scoresOf(chain, featuresOf(chain, featureMaps));
  if (!(maxDifference(follow, second) <= tolerance))
    throw problem('its scores do not follow from its feature maps');
}

/** Computes the answer of the reference, as for engines in float32. */
export function answerOf(steps: readonly Step[], { input }: Pick<Chain, 'input'>): KnownAnswer {
  const size = testSize(steps, input);
  return { ...size, scores: runReference(steps, noise(size.height * size.width * 3, 1), size) };
}

const maxDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a, (value, i) => Math.abs(value - (b[i] ?? Number.NaN))).reduce((x, y) => Math.max(x, y), 0);

function relativeError(values: Float32Array, reference: Float64Array): number {
  const square = (sum: number, value: number) => sum + value * value;
  const errors = reference.map((value, i) => (values[i] ?? Number.NaN) - value);
  return Math.sqrt(errors.reduce(square, 0) / reference.reduce(square, 0));
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/**
 * The smallest square at which SAME adds the same zeros as at full size, and the last layer still has at least 2 × 2
 * pixels, so that the edges of its kernels count. The full size where there is no such square.
 */
function testSize(steps: readonly Step[], full: Size): Size {
  const fullPads = padsAlong(steps, full).pads;
  for (let side = 32; side < Math.min(full.height, full.width); side += 32) {
    const size = { height: side, width: side };
    const { pads, last } = padsAlong(steps, size);
    if (JSON.stringify(pads) === JSON.stringify(fullPads) && Math.min(last.height, last.width) >= 2)
      return size;
  }
  return full;
}

/** The zeros that each convolution adds, and the size after the last convolution. */
function padsAlong(steps: readonly Step[], input: Size): { pads: Pads[]; last: Size } {
  const pads: Pads[] = [];
  let last = input;
  for (const step of steps) {
    if (step.kind === 'pool') break; // after this there is one pixel
    if (step.kind === 'pad')
      last = {
        height: last.height + step.pads.top + step.pads.bottom,
        width: last.width + step.pads.left + step.pads.right,
      };
    if (step.kind !== 'conv' && step.kind !== 'depthwise') continue;
    const added = padsOf(step.padding, last, step.kernel.shape, step.strides);
    pads.push(added);
    last = convolvedSize(last, step.kernel.shape, step.strides, added ?? noPads);
  }
  return { pads, last };
}

/** Values in -1 … 1 that only the seed determines (a linear congruential generator). */
export function noise(length: number, seed: number): Float32Array {
  const values = new Float32Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    values[i] = state / 2 ** 31 - 1;
  }
  return values;
}
