import { convolvedSize, noPads, type Pads, padsOf, type Size, type Step } from './steps.js';

/** Values of one picture between two steps: [height, width, channels]. */
interface Activations extends Size {
  readonly channels: number;
  readonly values: Float64Array;
}

/**
 * The reference implementation: float64, no folding, one picture, slow. The engines are compared with it, so it shares
 * only the reading of the graph with them.
 *
 * It ignores the graph's window of the average, so it accepts pictures of any size.
 * @param picture [height, width, 3]
 * @returns the scores
 */
export function runReference(steps: readonly Step[], picture: Float32Array, size: Size): Float64Array {
  let state: Activations = { ...size, channels: 3, values: Float64Array.from(picture) };
  let pads = noPads;
  for (const step of steps) {
    if (step.kind === 'pad') {
      pads = step.pads;
      continue;
    }
    state = apply(step, pad(state, pads));
    pads = noPads;
  }
  return state.values;
}

function apply(step: Exclude<Step, { kind: 'pad' }>, x: Activations): Activations {
  switch (step.kind) {
    case 'conv':
      return convolve(step, x);
    case 'depthwise':
      return convolveDepthwise(step, x);
    case 'affine': {
      const { scale, offset } = step;
      const of = (values: Float64Array, i: number) => at(values, values.length === 1 ? 0 : i % x.channels);
      return { ...x, values: x.values.map((v, i) => v * of(scale, i) + of(offset, i)) };
    }
    case 'clip':
      return { ...x, values: x.values.map((v) => Math.min(Math.max(v, step.low), step.high)) };
    case 'pool': {
      const means = new Float64Array(x.channels);
      const share = 1 / (x.height * x.width);
      for (let i = 0; i < x.values.length; i++)
        means[i % x.channels] = at(means, i % x.channels) + at(x.values, i) * share;
      return flat(means);
    }
    case 'flatten':
      return x;
    case 'dense': {
      const weights = new Float64Array(step.weights.values);
      const outputs = weights.length / x.values.length;
      const sums = Float64Array.from({ length: outputs }, (_, o) =>
        x.values.reduce((sum, v, i) => sum + v * at(weights, i * outputs + o), 0),
      );
      return flat(sums);
    }
    case 'softmax': {
      const highest = x.values.reduce((a, b) => Math.max(a, b));
      const powers = x.values.map((v) => Math.exp(v - highest));
      const sum = powers.reduce((a, b) => a + b);
      return { ...x, values: powers.map((power) => power / sum) };
    }
  }
}

type Convolution = Extract<Step, { kind: 'conv' | 'depthwise' }>;

function convolve(step: Convolution, input: Activations): Activations {
  const x = pad(input, padsOf(step.padding, input, step.kernel.shape, step.strides));
  const { shape } = step.kernel;
  const kernel = new Float64Array(step.kernel.values);
  const [kernelHeight = 0, kernelWidth = 0, inputs = 0, outputs = 0] = shape;
  const [down, across] = step.strides;
  const size = convolvedSize(x, shape, step.strides, noPads);
  const result = new Float64Array(size.height * size.width * outputs);
  for (let row = 0; row < size.height; row++)
    for (let column = 0; column < size.width; column++) {
      const to = (row * size.width + column) * outputs;
      for (let ky = 0; ky < kernelHeight; ky++)
        for (let kx = 0; kx < kernelWidth; kx++) {
          const from = ((row * down + ky) * x.width + column * across + kx) * inputs;
          for (let i = 0; i < inputs; i++) {
            const value = at(x.values, from + i);
            // About half of them are: the last layer cut them off at 0.
            if (value === 0) continue;
            const weights = ((ky * kernelWidth + kx) * inputs + i) * outputs;
            for (let o = 0; o < outputs; o++)
              result[to + o] = at(result, to + o) + value * at(kernel, weights + o);
          }
        }
    }
  return { ...size, channels: outputs, values: result };
}

function convolveDepthwise(step: Convolution, input: Activations): Activations {
  const x = pad(input, padsOf(step.padding, input, step.kernel.shape, step.strides));
  const { shape } = step.kernel;
  const kernel = new Float64Array(step.kernel.values);
  const [kernelHeight = 0, kernelWidth = 0, inputs = 0, multiplier = 0] = shape;
  const [down, across] = step.strides;
  const size = convolvedSize(x, shape, step.strides, noPads);
  const outputs = inputs * multiplier;
  const result = new Float64Array(size.height * size.width * outputs);
  for (let row = 0; row < size.height; row++)
    for (let column = 0; column < size.width; column++)
      for (let ky = 0; ky < kernelHeight; ky++)
        for (let kx = 0; kx < kernelWidth; kx++) {
          const from = ((row * down + ky) * x.width + column * across + kx) * inputs;
          const to = (row * size.width + column) * outputs;
          const weights = (ky * kernelWidth + kx) * outputs;
          for (let o = 0; o < outputs; o++)
            result[to + o] =
              at(result, to + o) + at(x.values, from + Math.floor(o / multiplier)) * at(kernel, weights + o);
        }
  return { ...size, channels: outputs, values: result };
}

function pad(x: Activations, { top, bottom, left, right }: Pads): Activations {
  if (top + bottom + left + right === 0) return x;
  const height = top + x.height + bottom;
  const width = left + x.width + right;
  const values = new Float64Array(height * width * x.channels);
  const line = x.width * x.channels;
  for (let row = 0; row < x.height; row++)
    values.set(x.values.subarray(row * line, (row + 1) * line), ((row + top) * width + left) * x.channels);
  return { height, width, channels: x.channels, values };
}

const flat = (values: Float64Array): Activations => ({
  height: 1,
  width: 1,
  channels: values.length,
  values,
});

// All indices come from the lengths. A wrong one would show as NaN in the scores.
const at = (values: Float64Array, index: number) => values[index] as number;
