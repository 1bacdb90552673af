import { type Chain, featureMapsSizeOf } from '../graph/chain.js';
import { featuresHash, softmax, throughDense } from '../graph/last-layer.js';
import { momentsOf } from '../graph/moments.js';
import type { Orientation, QuarterTurn } from '../orientation.js';
import type { UprightHead } from '../upright-head.js';
import type { InferenceResult } from './batcher.js';

/** What tells which way up pictures are, for the classes of one network. */
export interface OrientationSetup {
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
  { head, told }: OrientationSetup,
  chain: Chain,
  infer: (input: Float32Array) => Promise<InferenceResult>,
): Orient | undefined {
  if (head.features !== featuresHash(chain)) return undefined;
  const size = featureMapsSizeOf(chain);
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
    return {
      turned: quarterTurns[turns.indexOf(score)] ?? 0,
      score,
      isTold: told[scores.indexOf(Math.max(...scores))] ?? false,
    };
  };
  const isUpright = ({ turned, score, isTold }: ReturnType<typeof look>) =>
    isTold && turned === 0 && score >= head.thresholds.upright;
  return async (result) => {
    const first = look(result);
    const { turned, score } = first;
    if (turned === 0) return isUpright(first) ? { turned, score } : 'cannot_tell';
    if (score < head.thresholds.turned) return 'cannot_tell';
    // What is said to be turned is believed only where it is upright once it is turned back.
    const back = look(await infer(turnedBy(result.input, chain.input.height, turned)));
    return isUpright(back) ? { turned, score } : 'cannot_tell';
  };
}

/** A square picture turned clockwise. @param input [side, side, 3] */
export function turnedBy(input: Float32Array, side: number, turn: QuarterTurn): Float32Array {
  const result = new Float32Array(input.length);
  const last = side - 1;
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const [row, column] = { 0: [y, x], 90: [last - x, y], 180: [last - y, last - x], 270: [x, last - y] }[
        turn
      ] as [number, number];
      const from = (row * side + column) * 3;
      result.set(input.subarray(from, from + 3), (y * side + x) * 3);
    }
  return result;
}
