import { createError } from '../../errors/errors.js';
import { runReference } from '../graph/reference.js';
import { convolvedSize, noPads, type Pads, padsOf, type Size, type Step } from '../graph/steps.js';
import type { Engine } from './engine.js';

/** Scores may differ by this much from the reference: ten times what float32 was seen to cost. */
export const tolerance = 1e-4;

/**
 * Runs the engine on two seeded noise pictures before it is trusted: against the float64 reference, as a batch
 * against one by one, and for scores that are scores.
 *
 * The pictures are small, so that it costs a tenth of a second and not two: the network is convolutional, and
 * every weight is used at any size. All that stays untested is the size itself, which no weight depends on.
 * @throws engine_wrong
 */
export async function selfTest(engine: Engine, steps: readonly Step[], input: Size): Promise<void> {
  const size = testSize(steps, input);
  const length = size.height * size.width * 3;
  const pictures = noise(2 * length, 1);
  const together = await engine.infer(pictures, size);
  const second = await engine.infer(pictures.slice(length), size);
  const classes = together.length / 2;
  const reference = runReference(steps, pictures.subarray(0, length), size);

  const problem = (what: string) =>
    createError('engine_wrong', { engine: engine.name, device: engine.device, problem: what });
  if (reference.length !== classes)
    throw problem(`it gives ${classes} scores instead of ${reference.length}`);
  const difference = furthest(together.subarray(0, classes), reference);
  // A comparison with NaN is false: hence the negation.
  if (!(difference <= tolerance)) throw problem(`its scores are ${difference} off`);
  if (!(furthest(together.subarray(classes), second) <= tolerance))
    throw problem('a picture in a batch is scored otherwise than alone');
  const sum = second.reduce((a, b) => a + b, 0);
  if (!(Math.abs(sum - 1) <= tolerance)) throw problem(`its scores add up to ${sum}`);
}

const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a, (value, i) => Math.abs(value - (b[i] ?? Number.NaN))).reduce((x, y) => Math.max(x, y), 0);

/**
 * The smallest square at which SAME adds the same zeros as at full size, and at which the last layer still sees
 * four pixels, so that its kernels' edges count; full size where there is none.
 */
function testSize(steps: readonly Step[], full: Size): Size {
  const wanted = padsAlong(steps, full).pads;
  for (let side = 32; side < Math.min(full.height, full.width); side += 32) {
    const size = { height: side, width: side };
    const { pads, last } = padsAlong(steps, size);
    if (JSON.stringify(pads) === JSON.stringify(wanted) && Math.min(last.height, last.width) >= 2)
      return size;
  }
  return full;
}

/** The zeros that each convolution adds, and the size of the picture after the last. */
function padsAlong(steps: readonly Step[], input: Size): { pads: Pads[]; last: Size } {
  const pads: Pads[] = [];
  let last = input;
  for (const step of steps) {
    if (step.kind === 'pool') break; // what follows sees one pixel
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

/** Values in -1 … 1, the same for the same seed on every machine (a linear congruential generator). */
export function noise(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
