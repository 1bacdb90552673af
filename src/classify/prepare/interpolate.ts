import type { Size } from '../graph/steps.js';
import type { InputForm } from '../onnx/fit.js';

type Interpolation = InputForm['interpolation'];

interface Kernel {
  readonly radius: number;
  weightOf(distance: number): number;
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
/** Those of Pillow. */
const kernels = {
  bilinear: { radius: 1, weightOf: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    radius: 2,
    weightOf: (x) => {
      const d = Math.abs(x);
      return d < 1 ? (1.5 * d - 2.5) * d * d + 1 : d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
    },
  },
  lanczos: { radius: 3, weightOf: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
} satisfies Record<Exclude<Interpolation, 'nearest'>, Kernel>;

/** A part of what a side becomes: `count` pixels from `start` on, of a side that is `length` long in the whole. */
export interface Part {
  readonly length: number;
  readonly start: number;
  readonly count: number;
}

/**
 * Interpolates without smoothing: to enlarge, or to take single pixels. The centres of pixels are where Pillow and
 * torchvision have them; libvips's are half a pixel of the result beside, and where it takes single pixels, more.
 * @param levels [height, width, channels]
 */
export function interpolated(
  levels: Uint8Array,
  { height, width }: Size,
  to: { readonly rows: Part; readonly columns: Part },
  channels: number,
  interpolation: Interpolation,
): Uint8Array {
  const wide = along(levels, { outer: height, length: width, inner: channels }, to.columns, interpolation);
  const inner = to.columns.count * channels;
  return along(wide, { outer: 1, length: height, inner }, to.rows, interpolation);
}

/** Along one axis of [outer, length, inner]. As in Pillow, the result is rounded. */
function along(
  levels: Uint8Array,
  { outer, length, inner }: { outer: number; length: number; inner: number },
  to: Part,
  interpolation: Interpolation,
): Uint8Array {
  if (to.length === length && to.count === length) return levels;
  const result = new Uint8Array(outer * to.count * inner);
  for (let i = 0; i < to.count; i++) {
    const { first, weights } = tapsAt(i + to.start, length, to.length, interpolation);
    for (let o = 0; o < outer; o++)
      for (let c = 0; c < inner; c++) {
        let sum = 0.5;
        for (let k = 0; k < weights.length; k++)
          sum += (weights[k] ?? 0) * (levels[(o * length + first + k) * inner + c] ?? 0);
        result[(o * to.count + i) * inner + c] = Math.min(255, Math.max(0, sum));
      }
  }
  return result;
}

/** Which pixels make one of the result, and with which weights, whose sum is 1. */
function tapsAt(at: number, length: number, newLength: number, interpolation: Interpolation) {
  const center = ((at + 0.5) * length) / newLength;
  if (interpolation === 'nearest') return { first: Math.min(length - 1, Math.floor(center)), weights: [1] };
  const { radius, weightOf } = kernels[interpolation];
  const first = Math.max(0, Math.ceil(center - radius - 0.5));
  const last = Math.min(length - 1, Math.floor(center + radius - 0.5));
  const all = Array.from({ length: last - first + 1 }, (_, k) => weightOf(first + k + 0.5 - center));
  const sum = all.reduce((a, b) => a + b, 0);
  return { first, weights: all.map((weight) => weight / sum) };
}
