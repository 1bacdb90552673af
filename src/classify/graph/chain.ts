import { createError } from '../../errors/errors.js';
import { convolvedSize, noPads, type Pads, padsOf, type Size, type Step, type Strides } from './steps.js';
import type { Constant } from './tensor.js';

export type Activation = 'linear' | 'relu' | 'relu6';

/** Convolution, bias and activation. Batch normalisation is folded into kernel and bias. */
export interface ConvLayer {
  readonly kind: 'conv' | 'depthwise';
  /** [height, width, inputs, outputs]; depthwise: [height, width, inputs, outputs per input] */
  readonly shape: readonly [number, number, number, number];
  readonly kernel: Float32Array;
  /** One value for each output channel. */
  readonly bias: Float32Array;
  readonly strides: Strides;
  readonly pads: Pads;
  readonly activation: Activation;
}

export interface DenseLayer {
  readonly inputs: number;
  readonly outputs: number;
  /** [inputs, outputs] */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  readonly activation: Activation;
}

/**
 * A network of the MobileNet v1 family, in the form from which every engine is built:
 * picture → `features` → average over the picture → `head` → softmax.
 */
export interface Chain {
  readonly input: Size & { readonly channels: 3 };
  readonly features: readonly ConvLayer[];
  readonly head: readonly DenseLayer[];
  readonly classes: number;
}

/** Number of channels of what is averaged. */
export const channelsOf = ({ features, input }: Chain): number =>
  features.at(-1)?.bias.length ?? input.channels;

/** Rows and columns of what is averaged. */
export const featureMapsSizeOf = ({ features, input }: Chain): Size =>
  features.reduce<Size>(
    (before, { shape, strides, pads }) => convolvedSize(before, shape, strides, pads),
    input,
  );

/** A layer into which later steps are still folded. Folding computes in float64, and rounds only once. */
interface Draft {
  readonly kernel: Constant['values'];
  /** By which the kernel is still to be multiplied, in this order: one value for each output channel, or for all. */
  readonly scales: Float64Array[];
  readonly bias: Float64Array;
  activation: Activation;
  /** Adds it to the layers, rounded. */
  readonly close: (rounded: { kernel: Float32Array; bias: Float32Array; activation: Activation }) => void;
}

/**
 * Folds steps into layers, for pictures of one size.
 * @throws network_unsupported where the steps are not of the MobileNet v1 family
 */
export function buildChain(steps: readonly Step[], input: Size): Chain {
  const builder = new ChainBuilder(input);
  for (const step of steps) builder.take(step);
  const chain = builder.finish(input);
  if (chain) return chain;
  const { node = 'input', op = 'none' } = steps.at(-1) ?? {};
  throw createError('network_unsupported', {
    node,
    op,
    problem: 'it is the output, but no softmax comes before it',
  });
}

class ChainBuilder {
  readonly #features: ConvLayer[] = [];
  readonly #head: DenseLayer[] = [];
  /** The last layer of the phase. */
  #draft: Draft | undefined;
  #phase: 'features' | 'head' | 'scores' = 'features';
  #size: Size;
  #channels = 3;
  #pads: Pads | undefined;

  constructor(input: Size) {
    this.#size = input;
  }

  take(step: Step): void {
    const refuse = (problem: string) =>
      createError('network_unsupported', { node: step.node, op: step.op, problem });
    if (this.#phase === 'scores' && step.kind !== 'flatten') throw refuse('it comes after the softmax');
    if (this.#pads && step.kind !== 'conv' && step.kind !== 'depthwise')
      throw refuse('padding is followed by something else than a convolution');
    switch (step.kind) {
      case 'pad':
        this.#pads = step.pads;
        return;
      case 'conv':
      case 'depthwise':
        if (this.#phase === 'head') this.#takeDense(step, step.kernel.shape.slice(0, 2), refuse);
        else this.#takeConvolution(step, refuse);
        return;
      case 'affine':
        this.#takeAffine(step, refuse);
        return;
      case 'clip':
        this.#takeClip(step, refuse);
        return;
      case 'pool':
        if (this.#phase !== 'features') throw refuse('it averages a second time');
        if (step.window && step.window.join() !== [this.#size.height, this.#size.width].join())
          throw refuse(
            `it averages over ${step.window.join('×')} of ${this.#size.height}×${this.#size.width}: is the input size right?`,
          );
        this.#close();
        this.#phase = 'head';
        return;
      case 'flatten':
        if (this.#phase === 'features') throw refuse('it comes before the average over the picture');
        if (step.channels !== undefined && step.channels !== this.#channels)
          throw refuse(`it makes ${step.channels} of ${this.#channels} channels`);
        return;
      case 'dense':
        if (this.#phase === 'features') throw refuse('it comes before the average over the picture');
        this.#takeDense({ kernel: step.weights }, [1, 1], refuse);
        return;
      case 'softmax':
        this.#close();
        if (this.#head.length === 0) throw refuse('no fully connected layer comes before it');
        this.#phase = 'scores';
    }
  }

  /** @returns undefined where there was no softmax */
  finish(input: Size): Chain | undefined {
    if (this.#phase !== 'scores') return undefined;
    return {
      input: { height: input.height, width: input.width, channels: 3 },
      features: this.#features,
      head: this.#head,
      classes: this.#channels,
    };
  }

  #takeConvolution(step: Extract<Step, { kind: 'conv' | 'depthwise' }>, refuse: Refuse): void {
    const [height = 0, width = 0, inputs = 0, last = 0] = step.kernel.shape;
    if (inputs !== this.#channels) throw refuse(`it takes ${inputs} channels and is given ${this.#channels}`);
    const before = this.#pads ?? noPads;
    this.#pads = undefined;
    const padded = {
      height: this.#size.height + before.top + before.bottom,
      width: this.#size.width + before.left + before.right,
    };
    const own = padsOf(step.padding, padded, step.kernel.shape, step.strides);
    const pads = {
      top: before.top + own.top,
      bottom: before.bottom + own.bottom,
      left: before.left + own.left,
      right: before.right + own.right,
    };
    this.#size = convolvedSize(this.#size, step.kernel.shape, step.strides, pads);
    if (this.#size.height < 1 || this.#size.width < 1) throw refuse('the picture is too small for it');
    const outputs = step.kind === 'conv' ? last : inputs * last;
    const about = {
      kind: step.kind,
      shape: [height, width, inputs, last],
      strides: step.strides,
      pads,
    } as const;
    this.#begin(step.kernel.values, outputs, (rounded) => this.#features.push({ ...about, ...rounded }));
    this.#channels = outputs;
  }

  /** After the average, a 1×1 convolution is the same as a fully connected layer. */
  #takeDense({ kernel }: { kernel: Constant }, window: readonly number[], refuse: Refuse): void {
    const outputs = kernel.shape.at(-1) ?? 0;
    if (window.join() !== '1,1') throw refuse(`its kernel is ${window.join('×')} where one pixel is left`);
    if (kernel.values.length !== this.#channels * outputs)
      throw refuse(`its weights [${kernel.shape}] do not fit ${this.#channels} channels`);
    const inputs = this.#channels;
    this.#begin(kernel.values, outputs, ({ kernel: weights, ...rounded }) =>
      this.#head.push({ inputs, outputs, weights, ...rounded }),
    );
    this.#channels = outputs;
  }

  #takeAffine({ scale, offset }: Extract<Step, { kind: 'affine' }>, refuse: Refuse): void {
    for (const { length } of [scale, offset])
      if (length !== 1 && length !== this.#channels)
        throw refuse(`its ${length} values do not fit ${this.#channels} channels`);
    const layer = this.#draft?.activation === 'linear' ? this.#draft : this.#addScaling(refuse);
    const { scales, bias } = layer;
    scales.push(scale);
    for (let c = 0; c < bias.length; c++) bias[c] = (bias[c] ?? 0) * each(scale, c) + each(offset, c);
  }

  #takeClip({ low, high }: Extract<Step, { kind: 'clip' }>, refuse: Refuse): void {
    const layer = this.#draft;
    const limits = layer && clipLimits[layer.activation];
    const lower = Math.max(low, limits?.[0] ?? low);
    const upper = Math.min(high, limits?.[1] ?? high);
    const activation = (['relu', 'relu6'] as const).find(
      (name) => clipLimits[name][0] === lower && clipLimits[name][1] === upper,
    );
    if (!layer || !activation) throw refuse(`it limits values to ${lower} … ${upper}`);
    layer.activation = activation;
  }

  /** A scaling of the picture itself, or after an activation, cannot be folded. It becomes a layer of its own. */
  #addScaling(refuse: Refuse): Draft {
    if (this.#phase !== 'features') throw refuse('it scales the output of an activation');
    const channels = this.#channels;
    const about = { kind: 'depthwise', shape: [1, 1, channels, 1], strides: [1, 1], pads: noPads } as const;
    return this.#begin(new Float32Array(channels).fill(1), channels, (rounded) =>
      this.#features.push({ ...about, ...rounded }),
    );
  }

  #begin(kernel: Draft['kernel'], outputs: number, close: Draft['close']): Draft {
    this.#close();
    this.#draft = { kernel, scales: [], bias: new Float64Array(outputs), activation: 'linear', close };
    return this.#draft;
  }

  #close(): void {
    if (this.#draft === undefined) return;
    const { kernel, scales, bias, activation, close } = this.#draft;
    this.#draft = undefined;
    close({ kernel: scaled(kernel, scales, bias.length), bias: new Float32Array(bias), activation });
  }
}

/** In both kernel layouts the output channel is the last index. */
function scaled(kernel: Draft['kernel'], scales: readonly Float64Array[], outputs: number): Float32Array {
  let values = kernel;
  const result = new Float32Array(kernel.length);
  // A bias has the scale 1, which changes nothing.
  const changing = scales.filter((scale) => scale.some((factor) => factor !== 1));
  for (const [i, scale] of changing.entries()) {
    const forEach = scale.length === 1 ? new Float64Array(outputs).fill(scale[0] as number) : scale;
    const to = i === changing.length - 1 ? result : new Float64Array(kernel.length);
    for (let from = 0; from < values.length; from += outputs) multiply(to, values, from, forEach);
    values = to;
  }
  if (changing.length === 0) result.set(kernel);
  return result;
}

/** A function of its own, which V8 compiles soon because it is called often: all this runs once, at every start. */
function multiply(
  to: Float32Array | Float64Array,
  values: Draft['kernel'],
  from: number,
  factors: Float64Array,
): void {
  for (let c = 0; c < factors.length; c++)
    to[from + c] = (values[from + c] as number) * (factors[c] as number);
}

type Refuse = (problem: string) => Error;

/** Lowest and highest output of an activation. */
const clipLimits: Readonly<Record<Activation, readonly [number, number]>> = {
  linear: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  relu: [0, Number.POSITIVE_INFINITY],
  relu6: [0, 6],
};

export function activate(activation: Activation, value: number): number {
  const [low, high] = clipLimits[activation];
  return Math.min(Math.max(value, low), high);
}

const each = (values: Float64Array, channel: number) => values[values.length === 1 ? 0 : channel] ?? 0;
