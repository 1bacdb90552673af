import type { EngineChoice } from '../engines/engine.js';
import { softmax } from '../graph/last-layer.js';
import type { QuarterTurn } from '../orientation.js';
import { prepareAsDescribed } from '../prepare/described.js';
import type { Picture } from '../prepare/picture.js';
import type { Side } from '../side.js';
import type { SideModel } from '../side-model.js';
import { turnedBy } from './orienter.js';
import { startSmallNetwork } from './start-small-network.js';

/** Letters are read upright: the picture is turned by this before. */
export type ReadSide = (picture: Picture, turn: QuarterTurn) => Promise<Side>;

/** Pixels of the picture's long side: the letters of markers are 6 to 40 of them high. */
const side = 384;
const size = { height: side, width: side };
const form = {
  ...size,
  name: 'input',
  layout: 'NHWC',
  channels: 3,
  range: [-1, 1],
  mean: [0, 0, 0],
  std: [1, 1, 1],
  resize: 'letterbox',
  cropShare: 1,
  fill: 0,
  interpolation: 'bilinear',
} as const;

/** @throws network_unsupported, engine_unavailable, engine_wrong, no_engine */
export async function startSideReader(model: SideModel, choice: EngineChoice): Promise<ReadSide> {
  const engine = await startSmallNetwork(model, size, choice);
  return async (picture, turn) => {
    const input = turnedBy(await prepareAsDescribed(picture, form), side, turn);
    const { featureMaps = new Float32Array() } = await engine.infer(input, size);
    return sideIn(featureMaps, model);
  };
}

/**
 * The side of the markers on a film: none where there is no sure one, or one of the other side as well.
 * @param maps one logit for each output, at each place
 */
export function sideIn(
  maps: Float32Array,
  { outputs, thresholds }: Pick<SideModel, 'outputs' | 'thresholds'>,
): Side {
  const best = { R: 0, L: 0 };
  for (let at = 0; at < maps.length; at += outputs.length) {
    const here = { none: 0, R: 0, L: 0 };
    for (const [i, share] of softmax(maps.subarray(at, at + outputs.length)).entries())
      here[outputs[i] ?? 'none'] += share;
    best.R = Math.max(best.R, here.R);
    best.L = Math.max(best.L, here.L);
  }
  const marked = best.R >= best.L ? 'R' : 'L';
  const other = marked === 'R' ? best.L : best.R;
  return best[marked] >= thresholds.marked && other < thresholds.other
    ? { marked, score: best[marked] }
    : 'none';
}
