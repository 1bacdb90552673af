import { terminalMessage } from '../../errors/errors.js';
import type { EngineChoice } from '../engines/engine.js';
import type { MirrorModel } from '../mirror-model.js';
import type { Mirrored } from '../orientation.js';
import { type Orient, turnedBy, type UprightSetup } from './orienter.js';
import { startSmallNetwork } from './start-small-network.js';

/** What tells mirrored pictures, for the classes of one network. */
export interface MirrorSetup {
  readonly model: MirrorModel;
  /** By class: whether it is told of its pictures. */
  readonly told: readonly boolean[];
}

/** What tells which way up pictures are. */
export interface OrientationSetup extends UprightSetup {
  readonly mirror: MirrorSetup;
}

/** @param input prepared for the classifier, upright: [rows, rows, 3] */
export type TellMirrored = (input: Float32Array, rows: number) => Promise<Mirrored>;

/**
 * The second network starts with the first picture that needs it. Where it cannot, that is said once, and no picture is lost by it.
 * @param rows of the classifier's input, which is square
 */
export function withMirrored(
  orient: Orient,
  { model, told }: MirrorSetup,
  rows: number,
  choice: EngineChoice,
): Orient {
  let started: Promise<TellMirrored | undefined> | undefined;
  return async (result) => {
    const orientation = await orient(result);
    const isTold = told[result.scores.indexOf(Math.max(...result.scores))];
    if (orientation === 'cannot_tell' || !isTold) return orientation;
    started ??= startMirrorTeller(model, choice).catch((error: unknown) => {
      // Before the answer: `plainview label` ends the process after its last picture.
      console.error(
        `It is not told which chests are mirrored, because model/mirrored.pb of Plainview cannot run: ${terminalMessage(error)}`,
      );
      return undefined;
    });
    const tell = await started;
    if (tell === undefined) return orientation;
    const upright = turnedBy(result.input, rows, orientation.turned);
    return { ...orientation, mirrored: await tell(upright, rows) };
  };
}

/** @throws network_unsupported, engine_unavailable, engine_wrong, no_engine */
export async function startMirrorTeller(model: MirrorModel, choice: EngineChoice): Promise<TellMirrored> {
  const size = { height: model.side, width: model.side };
  const engine = await startSmallNetwork(model, size, choice);
  return async (input, rows) => {
    const picture = shrunk(input, rows, model.side);
    // Both ways round, so that the answers for a picture and its mirror image are always opposite ones.
    const both = new Float32Array(2 * picture.length);
    both.set(picture);
    both.set(mirrorOf(picture, model.side), picture.length);
    const { scores } = await engine.infer(both, size);
    return mirroredBy(scores, model.threshold);
  };
}

/** @param scores [2, 2]: of the picture, and of its mirror image, each that of "as taken", and that of "mirrored" */
export function mirroredBy(
  [asTaken = 0, mirrored = 0, asTakenInMirror = 0, mirroredInMirror = 0]: Float32Array,
  threshold: number,
): Mirrored {
  const logOdds = (of: number, against: number) => Math.log((of + tiny) / (against + tiny));
  const difference = logOdds(mirrored, asTaken) - logOdds(mirroredInMirror, asTakenInMirror);
  const score = 1 / (1 + Math.exp(-Math.abs(difference)));
  return score >= threshold ? difference > 0 : 'cannot_tell';
}

/** A softmax in float32 can be 0. */
const tiny = 1e-9;

/** The means of squares of pixels. @param input [from, from, 3], where `from` is a multiple of `to` */
export function shrunk(input: Float32Array, from: number, to: number): Float32Array {
  const factor = from / to;
  const result = new Float32Array(to * to * 3);
  for (let row = 0; row < from; row++) {
    const target = Math.floor(row / factor) * to * 3;
    for (let column = 0; column < from; column++) {
      const [source, place] = [(row * from + column) * 3, target + Math.floor(column / factor) * 3];
      for (let c = 0; c < 3; c++)
        result[place + c] = at(result, place + c) + at(input, source + c) / factor ** 2;
    }
  }
  return result;
}

// All indices come from the sizes.
const at = (values: Float32Array, index: number) => values[index] as number;

/** @param picture [side, side, 3] */
export function mirrorOf(picture: Float32Array, side: number): Float32Array {
  const result = new Float32Array(picture.length);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      for (let c = 0; c < 3; c++)
        result[(y * side + x) * 3 + c] = at(picture, (y * side + side - 1 - x) * 3 + c);
  return result;
}
