import { chooseEngine, type Declined, startInt8 } from '../engines/choose.js';
import type { Engine, EngineChoice } from '../engines/engine.js';
import { activationMapOf, hasLinearHead } from '../graph/activation-maps.js';
import { buildChain, featureMapsSizeOf } from '../graph/chain.js';
import { readGraphDef } from '../graph/graphdef.js';
import { featuresOf } from '../graph/last-layer.js';
import type { Size } from '../graph/steps.js';
import { walk } from '../graph/walk.js';
import type { Model } from '../network.js';
import { placementOf, prepareAsDescribed } from '../prepare/described.js';
import type { Picture } from '../prepare/picture.js';
import { prepare, rangeOf } from '../prepare/resize.js';
import { Batcher, type InferenceResult } from './batcher.js';
import { type OrientationSetup, withMirrored } from './mirror-teller.js';
import { occlusionMap } from './occlusion.js';
import { type Orient, orienterOf } from './orienter.js';
import type { ClassMap, OnnxReport } from './protocol.js';

/** A network that runs in this process, of whatever kind. */
export interface Running {
  readonly engine: Engine;
  readonly declined: Declined[];
  readonly classes: number;
  readonly batcher: Batcher;
  /** The same for two networks that are given the same input for a picture. */
  readonly preparation: string;
  /** Where pictures are prepared as NNCPR's: to which size. */
  readonly samples?: Size;
  prepare(picture: Picture): Promise<Float32Array>;
  /** @param picture the size of the picture before it was prepared */
  explain(result: InferenceResult, classIndex: number, picture: Size): Promise<ClassMap>;
  /** What enters the last layer of a frozen graph. */
  featuresOf?(result: InferenceResult): Float32Array | undefined;
  /** Absent where the network does not tell which way up pictures are. */
  readonly orient?: Orient | undefined;
  readonly onnx?: OnnxReport;
}

/**
 * Starts and tests a network.
 * @param orientation where it is to be told which way up pictures are
 * @throws network_…, engine_…, int8_unavailable, no_engine
 */
export const startNetwork = (
  model: Model,
  choice: EngineChoice,
  orientation?: OrientationSetup,
): Promise<Running> =>
  model.kind === 'onnx' ? startDescribed(model, choice) : startFrozen(model, choice, orientation);

async function startFrozen(
  { file, layers, preparation, precision, known }: Extract<Model, { kind: 'frozen' }>,
  choice: EngineChoice,
  orientation: OrientationSetup | undefined,
): Promise<Running> {
  const steps = walk(readGraphDef(Buffer.from(file.buffer, file.byteOffset, file.length)), layers);
  const chain = buildChain(steps, preparation);
  const { engine, declined } =
    precision === 'int8'
      ? await startInt8(choice, chain, steps, rangeOf(preparation))
      : await chooseEngine(choice, chain, steps, known);
  // Of the chain, only this is kept: the rest holds most of the weights, and the engine has them.
  const last = { head: chain.head, classes: chain.classes };
  const isLinear = hasLinearHead(last);
  const { height: rows, width: columns } = featureMapsSizeOf(chain);
  const { height, width } = preparation;
  const placement = { left: 0, top: 0, height, width };
  const batcher = new Batcher(engine, preparation);
  const infer = async (pictures: Float32Array) => (await engine.infer(pictures, preparation)).scores;
  const orient = orientation && orienterOf(orientation, chain, (input) => batcher.infer(async () => input));
  return {
    engine,
    declined,
    classes: last.classes,
    batcher,
    preparation: JSON.stringify(preparation),
    samples: preparation,
    prepare: async (picture) => prepare(picture, preparation),
    explain: async ({ input, featureMaps }, classIndex) =>
      isLinear && featureMaps !== undefined
        ? { method: 'activation', rows, columns, ...activationMapOf(last, featureMaps, classIndex) }
        : occlusionMap({ input, height, width, channels: 3, layout: 'NHWC', placement }, classIndex, infer),
    featuresOf: ({ featureMaps }) => featureMaps && featuresOf(last, featureMaps),
    orient:
      orient && orientation && withMirrored(orient, orientation.mirror, preparation.height, engine.name),
  };
}

async function startDescribed(
  model: Extract<Model, { kind: 'onnx' }>,
  choice: EngineChoice,
): Promise<Running> {
  const [{ startFeatures, startOnnx }, { activationOf, overPicture }] = await Promise.all([
    import('../onnx/run.js'),
    import('../onnx/activation.js'),
  ]);
  const { form, engine, declined, suspicions } = await startOnnx(model, choice);
  const { height, width, channels, layout } = form.input;
  let pooling: ReturnType<typeof startFeatures> | undefined;
  return {
    engine,
    declined,
    classes: form.output.classes,
    batcher: new Batcher(engine, form.input),
    preparation: JSON.stringify(form.input),
    prepare: (picture) => prepareAsDescribed(picture, form.input),
    explain: async ({ input, scores }, classIndex, picture) => {
      const placement = placementOf(picture, form.input);
      // Where the features cannot be had, hiding parts serves as well.
      pooling ??= startFeatures(model, form).catch(() => undefined);
      const pooled = await pooling;
      const features = await pooled?.featuresOf(input).catch(() => undefined);
      if (pooled !== undefined && features !== undefined) {
        const map = activationOf(pooled.head, features, scores, classIndex);
        if (map !== undefined)
          return { method: 'activation', ...overPicture(map, features, form.input, placement) };
      }
      const occluded = { input, height, width, channels, layout, placement };
      return occlusionMap(
        occluded,
        classIndex,
        async (pictures) => (await engine.infer(pictures, form.input)).scores,
      );
    },
    onnx: { form, suspicions },
  };
}
