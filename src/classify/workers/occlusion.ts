import { createError } from '../../errors/errors.js';
import type { Placement } from '../prepare/described.js';
import type { ClassMap } from './protocol.js';

/** The prepared picture, and where the whole picture lies in it. */
export interface Occluded {
  readonly input: Float32Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly layout: 'NCHW' | 'NHWC';
  readonly placement: Placement;
}

type Infer = (pictures: Float32Array) => Promise<Float32Array>;

/** Numbers of rows and columns, the finest first. */
const sides = [12, 10, 8, 6, 4];
/** What a map may take, milliseconds. Meanwhile this process classifies nothing. */
const budgetMs = 6000;
/** A network that needs longer even for the coarsest map gives none. */
const longestMs = 20_000;
/** Pictures of a call. */
const together = 8;
/** What is hidden, in cells: more than one, so that a thing on the border of two is hidden as a whole. */
const patch = 2;

/**
 * Which parts of a picture speak for a class, of any network: parts are hidden one after the other by the mean of the
 * picture (M. Zeiler, R. Fergus, ECCV 2014). The speed of the network determines how fine the map is.
 * @throws explanation_unavailable where the network is too slow for any map; what `infer` throws
 */
export async function occlusionMap(occluded: Occluded, classIndex: number, infer: Infer): Promise<ClassMap> {
  const began = performance.now();
  const scores = await infer(occluded.input);
  const ms = performance.now() - began;
  const side = sides.find((each) => each * each * ms <= budgetMs) ?? (sides.at(-1) as number);
  if (side * side * ms > longestMs)
    throw createError('explanation_unavailable', {
      problem: `it takes ${(ms / 1000).toFixed(1)} s for a picture, and the map needs ${side * side} of them`,
    });
  const whole = logOdds(scores[classIndex]);
  const values = new Float32Array(side * side);
  const cells = Array.from(values, (_, cell) => ({ cell, rectangle: rectangleOf(occluded, side, cell) }))
    // What the input does not contain cannot speak for anything.
    .filter(({ rectangle: { left, top, right, bottom } }) => right > left && bottom > top);
  const means = meansOf(occluded);
  for (let i = 0; i < cells.length; i += together) {
    const some = cells.slice(i, i + together);
    const pictures = new Float32Array(some.length * occluded.input.length);
    for (const [k, { rectangle }] of some.entries()) {
      const picture = pictures.subarray(k * occluded.input.length, (k + 1) * occluded.input.length);
      picture.set(occluded.input);
      hide(picture, occluded, rectangle, means);
    }
    const hidden = await infer(pictures);
    for (const [k, { cell }] of some.entries())
      values[cell] = whole - logOdds(hidden[k * scores.length + classIndex]);
  }
  return { method: 'occlusion', rows: side, columns: side, values };
}

/** Scores of 0 and 1 have none. */
const logOdds = (score = 0): number => {
  const bounded = Math.min(1 - 1e-6, Math.max(1e-6, score));
  return Math.log(bounded / (1 - bounded));
};

interface Rectangle {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** What is hidden for a cell, in pixels of the input, as far as that contains it. */
function rectangleOf({ placement, height, width }: Occluded, side: number, cell: number): Rectangle {
  const [row, column] = [Math.floor(cell / side), cell % side];
  const margin = (patch - 1) / 2;
  const along = (start: number, length: number, index: number, limit: number) =>
    [index - margin, index + 1 + margin].map((at) =>
      Math.min(limit, Math.max(0, Math.round(start + (Math.min(side, Math.max(0, at)) / side) * length))),
    );
  const [left = 0, right = 0] = along(placement.left, placement.width, column, width);
  const [top = 0, bottom = 0] = along(placement.top, placement.height, row, height);
  return { left, top, right, bottom };
}

/** The index of a value in the input. */
const indexOf = ({ layout, height, width, channels }: Occluded, y: number, x: number, c: number): number =>
  layout === 'NCHW' ? (c * height + y) * width + x : (y * width + x) * channels + c;

/** Of each channel. */
function meansOf(occluded: Occluded): number[] {
  const { input, channels, layout } = occluded;
  const pixels = input.length / channels;
  const sums = new Array<number>(channels).fill(0);
  for (const [i, value] of input.entries()) {
    const c = layout === 'NCHW' ? Math.floor(i / pixels) : i % channels;
    sums[c] = (sums[c] ?? 0) + value;
  }
  return sums.map((sum) => sum / pixels);
}

function hide(picture: Float32Array, occluded: Occluded, area: Rectangle, means: readonly number[]): void {
  for (const [c, mean] of means.entries())
    for (let y = area.top; y < area.bottom; y++)
      for (let x = area.left; x < area.right; x++) picture[indexOf(occluded, y, x, c)] = mean;
}
