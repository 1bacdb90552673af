import { type Chain, featureMapsSizeOf } from '../graph/chain.js';
import { featuresHash, softmax, throughDense } from '../graph/last-layer.js';
import { momentsOf } from '../graph/moments.js';
import type { Orientation, QuarterTurn } from '../orientation.js';
import type { UprightHead } from '../upright-head.js';
import type { InferenceResult } from './batcher.js';

/** What tells by how much pictures are turned, for the classes of one network. */
export interface UprightSetup {
  readonly head: UprightHead;
  /** By class: whether the orientation of its pictures is told. */
  readonly told: readonly boolean[];
}

export type Orient = (result: InferenceResult) => Promise<Orientation>;

const quarterTurns = [0, 90, 180, 270] as const;

/**
 * @param infer runs the network on a prepared input
 * @returns undefined where the head belongs to other features than those of this network
 */
export function orienterOf(
  { head, told }: UprightSetup,
  chain: Chain,
  infer: (input: Float32Array) => Promise<InferenceResult>,
): Orient | undefined {
  if (head.features !== featuresHash(chain)) return undefined;
  const size = featureMapsSizeOf(chain);
  const side = chain.input.height;
  const layer = {
    inputs: head.weights.length / quarterTurns.length,
    outputs: quarterTurns.length,
    weights: head.weights,
    bias: head.bias,
    activation: 'linear' as const,
  };
  const look = ({ featureMaps = new Float32Array(), scores }: InferenceResult) => {
    const turns = softmax(throughDense(layer, momentsOf(featureMaps, size)));
    const score = Math.max(...turns);
    const category = scores.indexOf(Math.max(...scores));
    return { turned: quarterTurns[turns.indexOf(score)] ?? 0, score, category };
  };
  return async (result) => {
    const { turned, score, category } = look(result);
    if (told[category] !== true) return 'cannot_tell';
    if (turned === 0) return score >= head.thresholds.upright ? { turned, score } : 'cannot_tell';
    if (score < head.thresholds.turned) return 'cannot_tell';
    // What is said to be turned is believed only where it is upright, and still of its category, once it is turned back:
    // what looks like another category then, as an ankle with the toes below looks like a foot, was upright before.
    const back = look(await infer(turnedBy(result.input, side, turned)));
    const isUpright = back.turned === 0 && back.score >= head.thresholds.upright;
    return isUpright && back.category === category ? { turned, score } : 'cannot_tell';
  };
}

/** A square picture turned clockwise. @param input [side, side, 3] */
export function turnedBy(input: Float32Array, side: number, turn: QuarterTurn): Float32Array {
  if (turn === 0) return input;
  const result = new Float32Array(input.length);
  const last = side - 1;
  // Where the pixel at x, y comes from: start + x · right + y · down.
  const [start, right, down] = {
    90: [last * side, -side, 1],
    180: [last * side + last, -1, -side],
    270: [last, side, -1],
  }[turn] as [number, number, number];
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const [from, to] = [(start + x * right + y * down) * 3, (y * side + x) * 3];
      for (let c = 0; c < 3; c++) result[to + c] = input[from + c] ?? 0;
    }
  return result;
}
