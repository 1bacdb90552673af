import { softmax } from '../graph/last-layer.js';
import type { Size } from '../graph/steps.js';
import type { Placement } from '../prepare/described.js';
import type { PooledHead } from './pooled-head.js';

/** Features before the average, of one picture. */
export interface Features extends Size {
  /** In the layout of the head. */
  readonly values: Float32Array;
}

/** How far the scores of maps may be from the network's: rounding alone. */
const tolerance = 1e-3;

/**
 * What each position of the features adds to the logit of a class (B. Zhou et al., CVPR 2016).
 * @returns undefined where the scores do not follow from the head: then it is not what it seems
 */
export function activationOf(
  head: PooledHead,
  { values, height, width }: Features,
  scores: Float32Array,
  classIndex: number,
): Float32Array | undefined {
  const { inputs, outputs, weights, bias, layout } = head;
  const positions = height * width;
  if (values.length !== positions * inputs) return undefined;
  const at = (position: number, k: number) =>
    values[layout === 'NCHW' ? k * positions + position : position * inputs + k] ?? 0;
  const means = Float64Array.from({ length: inputs }, (_, k) => {
    let sum = 0;
    for (let position = 0; position < positions; position++) sum += at(position, k);
    return sum / positions;
  });
  const weightOf = (k: number, o: number) => weights[k * outputs + o] ?? 0;
  const logits = Array.from(bias, (offset, o) =>
    means.reduce((sum, mean, k) => sum + mean * weightOf(k, o), offset),
  );
  // The negation also catches NaN.
  if (!softmax(logits).every((score, o) => Math.abs(score - (scores[o] ?? Number.NaN)) <= tolerance))
    return undefined;
  return Float32Array.from({ length: positions }, (_, position) => {
    let sum = 0;
    for (let k = 0; k < inputs; k++) sum += at(position, k) * weightOf(k, classIndex);
    return sum;
  });
}

/** Most rows and columns of a map: those of a picture of extreme shape. */
const mostCells = 64;

/** A map over the input, as one over the whole picture. What the input does not contain adds nothing. */
export function overPicture(
  map: Float32Array,
  { height: rows, width: columns }: Size,
  input: Size,
  placement: Placement,
): { rows: number; columns: number; values: Float32Array } {
  const cells = (length: number, cell: number) => Math.min(mostCells, Math.max(1, Math.round(length / cell)));
  const [cellHeight, cellWidth] = [input.height / rows, input.width / columns];
  const whole = { rows: cells(placement.height, cellHeight), columns: cells(placement.width, cellWidth) };
  const values = Float32Array.from({ length: whole.rows * whole.columns }, (_, i) => {
    const y = placement.top + ((Math.floor(i / whole.columns) + 0.5) / whole.rows) * placement.height;
    const x = placement.left + (((i % whole.columns) + 0.5) / whole.columns) * placement.width;
    const [row, column] = [Math.floor(y / cellHeight), Math.floor(x / cellWidth)];
    const isInside = row >= 0 && row < rows && column >= 0 && column < columns;
    return isInside ? (map[row * columns + column] ?? 0) : 0;
  });
  return { ...whole, values };
}
