import { createError } from '../../errors/errors.js';
import type { Taps } from '../../files/pam.js';
import type { PictureRange } from '../graph/quantise.js';
import type { Size } from '../graph/steps.js';
import type { Picture } from './picture.js';

export interface Preparation extends Size {
  /** Grey levels, 0 … 255. */
  readonly mean: number;
  readonly std: number;
}

/** Lowest and highest value of a prepared picture. */
export const rangeOf = ({ mean, std }: Preparation): PictureRange => [-mean / std, (255 - mean) / std];

/** For each row or column of the result: the two source indices, and the position between them, 0 … 1. */
interface SamplePositions {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly share: Float32Array;
}

/**
 * Resizes and normalises bit for bit as NNCPR's `label_image.py`. It uses TensorFlow 1's `resize_bilinear` without
 * aligned corners, half-pixel centres and antialiasing; the aspect ratio is not kept. Then it computes
 * (value - mean) / std. Every step is rounded to float32, as in TensorFlow.
 * @param picture the whole one, or the rows and columns of `tapsFor`
 * @returns [height, width, 3]
 * @throws picture_undecodable where it has other rows and columns of a picture
 */
export function prepare(picture: Picture, { height, width, mean, std }: Preparation): Float32Array {
  const { pixels, channels } = picture;
  const f32 = Math.fround;
  const { sampledOf } = picture;
  const rows = positionsIn(picture.height, sampledOf?.height, height);
  const columns = positionsIn(picture.width, sampledOf?.width, width);
  const shift = pixels instanceof Uint16Array ? 8 : 0;
  const value = (index: number) => (pixels[index] as number) >> shift;
  const between = (a: number, b: number, share: number) => f32(a + f32(f32(b - a) * share));
  const [meanF32, stdF32] = [f32(mean), f32(std)];

  const result = new Float32Array(height * width * 3);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const above = at(rows.low, y) * picture.width;
    const below = at(rows.high, y) * picture.width;
    const down = at(rows.share, y);
    for (let x = 0; x < width; x++) {
      const left = at(columns.low, x);
      const right = at(columns.high, x);
      const across = at(columns.share, x);
      for (let c = 0; c < channels; c++) {
        const top = between(
          value((above + left) * channels + c),
          value((above + right) * channels + c),
          across,
        );
        const bottom = between(
          value((below + left) * channels + c),
          value((below + right) * channels + c),
          across,
        );
        result[to++] = f32(f32(between(top, bottom, down) - meanF32) / stdF32);
      }
      // Grey is three equal channels.
      if (channels === 1) {
        result[to] = result[to + 1] = result[to - 1] as number;
        to += 2;
      }
    }
  }
  return result;
}

/** The rows and columns that `prepare` looks at. @param size of the prepared picture */
export const tapsFor = ({ height, width }: Size): Taps => ({
  rows: (from) => tapsOf(samplePositions(from, height)),
  columns: (from) => tapsOf(samplePositions(from, width)),
});

const tapsOf = ({ low, high }: SamplePositions): Int32Array =>
  Int32Array.from(new Set([...low, ...high])).sort();

/** @param of length of the whole picture, where this has only the rows or columns that are looked at */
function positionsIn(length: number, of: number | undefined, to: number): SamplePositions {
  if (of === undefined) return samplePositions(length, to);
  const whole = samplePositions(of, to);
  const taps = tapsOf(whole);
  if (taps.length !== length)
    throw createError('picture_undecodable', { problem: 'it holds other rows and columns than are needed' });
  const placeOf = new Map(Array.from(taps, (tap, place) => [tap, place]));
  const placed = (indices: Int32Array) => indices.map((index) => placeOf.get(index) ?? 0);
  return { ...whole, low: placed(whole.low), high: placed(whole.high) };
}

function samplePositions(from: number, to: number): SamplePositions {
  const scale = Math.fround(Math.fround(from) / Math.fround(to));
  const low = new Int32Array(to);
  const high = new Int32Array(to);
  const share = new Float32Array(to);
  for (let i = 0; i < to; i++) {
    const position = Math.fround(i * scale);
    // Rounding can move the last position past the edge.
    const first = Math.min(Math.floor(position), from - 1);
    low[i] = first;
    high[i] = Math.min(first + 1, from - 1);
    share[i] = position - Math.floor(position);
  }
  return { low, high, share };
}

// All indices come from loops over the array's own length.
const at = (values: Int32Array | Float32Array, index: number) => values[index] as number;
