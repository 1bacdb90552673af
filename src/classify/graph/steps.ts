import type { NodeName } from './graphdef.js';
import type { Constant } from './tensor.js';

/** Zeros added around a picture: rows above and below, columns left and right. */
export interface Pads {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

export const noPads: Pads = { top: 0, bottom: 0, left: 0, right: 0 };

/** [vertical, horizontal] */
export type Strides = readonly [number, number];

interface Convolution {
  /** conv: [height, width, inputs, outputs]; depthwise: [height, width, inputs, outputs per input] */
  readonly kernel: Constant;
  readonly strides: Strides;
  readonly padding: 'SAME' | 'VALID' | Pads;
}

/** One operation of the graph on the picture, before folding. */
export type Step = { readonly node: NodeName; readonly op: string } & (
  | ({ readonly kind: 'conv' } & Convolution)
  | ({ readonly kind: 'depthwise' } & Convolution)
  /** y = scale·x + offset for each channel. A single value applies to all channels. */
  | { readonly kind: 'affine'; readonly scale: Float64Array; readonly offset: Float64Array }
  | { readonly kind: 'clip'; readonly low: number; readonly high: number }
  | { readonly kind: 'pad'; readonly pads: Pads }
  /** Average over the whole picture. `window`: the size of the whole picture according to the graph. */
  | { readonly kind: 'pool'; readonly window: readonly [number, number] | undefined }
  /** Adds or removes axes of length one. `channels`: the remaining number of values according to the graph. */
  | { readonly kind: 'flatten'; readonly channels: number | undefined }
  /** weights: [inputs, outputs] */
  | { readonly kind: 'dense'; readonly weights: Constant }
  | { readonly kind: 'softmax' }
);

/** A step without its node, as an op reader returns it. */
export type StepBody = Step extends infer S ? (S extends Step ? Omit<S, 'node' | 'op'> : never) : never;

export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Zeros that a convolution adds around a picture. SAME follows TensorFlow's rule. */
export function padsOf(
  padding: Convolution['padding'],
  input: Size,
  kernel: readonly number[],
  [down, across]: Strides,
): Pads {
  if (padding === 'VALID') return noPads;
  if (padding !== 'SAME') return padding;
  const [kernelHeight = 1, kernelWidth = 1] = kernel;
  const vertical = samePad(input.height, kernelHeight, down);
  const horizontal = samePad(input.width, kernelWidth, across);
  return {
    top: vertical >> 1,
    bottom: vertical - (vertical >> 1),
    left: horizontal >> 1,
    right: horizontal - (horizontal >> 1),
  };
}

const samePad = (size: number, kernel: number, stride: number) =>
  Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0);

/** Height and width after a convolution. */
export function convolvedSize(
  input: Size,
  kernel: readonly number[],
  [down, across]: Strides,
  pads: Pads,
): Size {
  const [kernelHeight = 1, kernelWidth = 1] = kernel;
  return {
    height: Math.floor((input.height + pads.top + pads.bottom - kernelHeight) / down) + 1,
    width: Math.floor((input.width + pads.left + pads.right - kernelWidth) / across) + 1,
  };
}
