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
      const [scale, offset] = [forChannels(step.scale, x.channels), forChannels(step.offset, x.channels)];
      const values = new Float64Array(x.values.length);
      for (let from = 0; from < values.length; from += x.channels) {
        values.set(offset, from);
        addProducts(values, from, x.values, from, scale, 0, x.channels);
      }
      return { ...x, values };
    }
    case 'clip': {
      const values = new Float64Array(x.values);
      for (let from = 0; from < values.length; from += x.channels)
        clip(values, from, x.channels, step.low, step.high);
      return { ...x, values };
    }
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
  const { shape, values: kernel } = step.kernel;
  const [kernelHeight = 0, kernelWidth = 0, inputs = 0, outputs = 0] = shape;
  const [down, across] = step.strides;
  const size = convolvedSize(x, shape, step.strides, noPads);
  const result = new Float64Array(size.height * size.width * outputs);
  for (let ky = 0; ky < kernelHeight; ky++)
    for (let kx = 0; kx < kernelWidth; kx++)
      for (let i = 0; i < inputs; i++) {
        // These serve all positions while they are in the processor's cache: the weights are far larger than the picture.
        const weights = ((ky * kernelWidth + kx) * inputs + i) * outputs;
        for (let row = 0; row < size.height; row++)
          for (let column = 0; column < size.width; column++) {
            const value = at(x.values, ((row * down + ky) * x.width + column * across + kx) * inputs + i);
            // About half of them are: the last layer cut them off at 0.
            if (value === 0) continue;
            const to = (row * size.width + column) * outputs;
            addMultiple(result, to, value, kernel, weights, outputs);
          }
      }
  return { ...size, channels: outputs, values: result };
}

function convolveDepthwise(step: Convolution, input: Activations): Activations {
  const x = repeated(
    pad(input, padsOf(step.padding, input, step.kernel.shape, step.strides)),
    step.kernel.shape[3] ?? 0,
  );
  const { shape, values: kernel } = step.kernel;
  const [kernelHeight = 0, kernelWidth = 0] = shape;
  const [down, across] = step.strides;
  const size = convolvedSize(x, shape, step.strides, noPads);
  const { channels } = x;
  const result = new Float64Array(size.height * size.width * channels);
  for (let row = 0; row < size.height; row++)
    for (let column = 0; column < size.width; column++)
      for (let ky = 0; ky < kernelHeight; ky++)
        for (let kx = 0; kx < kernelWidth; kx++) {
          const from = ((row * down + ky) * x.width + column * across + kx) * channels;
          const to = (row * size.width + column) * channels;
          addProducts(result, to, x.values, from, kernel, (ky * kernelWidth + kx) * channels, channels);
        }
  return { ...size, channels, values: result };
}

/** Each channel several times: one for each output that a depthwise convolution makes of it. */
function repeated(x: Activations, times: number): Activations {
  if (times === 1) return x;
  const values = new Float64Array(x.values.length * times);
  for (let i = 0; i < values.length; i++) values[i] = at(x.values, Math.floor(i / times));
  return { ...x, channels: x.channels * times, values };
}

// The loops that take the time are functions of their own, which V8 compiles soon because they are called often: the
// reference runs once, at every start.

type Values = Float32Array | Float64Array | Int32Array;

function addMultiple(
  sums: Float64Array,
  to: number,
  factor: number,
  values: Values,
  from: number,
  count: number,
): void {
  for (let i = 0; i < count; i++)
    sums[to + i] = (sums[to + i] as number) + factor * (values[from + i] as number);
}

function addProducts(
  sums: Float64Array,
  to: number,
  values: Float64Array,
  from: number,
  factors: Values,
  first: number,
  count: number,
): void {
  for (let i = 0; i < count; i++)
    sums[to + i] = (sums[to + i] as number) + (values[from + i] as number) * (factors[first + i] as number);
}

function clip(values: Float64Array, from: number, count: number, low: number, high: number): void {
  for (let i = from; i < from + count; i++) {
    const value = values[i] as number;
    values[i] = value < low ? low : value > high ? high : value;
  }
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
const at = (values: Values, index: number) => values[index] as number;

/** A single value applies to all channels. */
const forChannels = (values: Float64Array, channels: number): Float64Array =>
  values.length === 1 ? new Float64Array(channels).fill(at(values, 0)) : values;
