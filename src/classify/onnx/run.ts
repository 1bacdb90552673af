import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { createError, detailOf, PlainviewError } from '../../errors/errors.js';
import type { Declined } from '../engines/choose.js';
import { type Engine, type EngineChoice, enginesOf } from '../engines/engine.js';
import { createSession } from '../engines/onnxruntime.js';
import { noise } from '../engines/self-test.js';
import type { Model } from '../network.js';
import type { Features } from './activation.js';
import { type Declared, formOf, type OnnxForm } from './fit.js';
import { pooledHeadOf, withOutput } from './pooled-head.js';

import { scoresOf, suspicionsOf } from './scores.js';
import { hasWeightsElsewhere } from './split-weights.js';

export type OnnxModel = Extract<Model, { kind: 'onnx' }>;

/** An ONNX network that is ready. */
export interface RunningOnnx {
  readonly form: OnnxForm;
  readonly engine: Engine;
  readonly declined: Declined[];
  /** What may be wrong with its description, as sentences. */
  readonly suspicions: readonly string[];
}

/** Pictures of a call on one thread where the graph leaves their number open. More take more memory, and are no faster. */
const together = 4;

/**
 * Starts an ONNX network, compares its description with the graph, and tries it on noise.
 * @throws engine_unavailable, network_unreadable, network_mismatch, network_layer, network_output
 */
export async function startOnnx(model: OnnxModel, choice: EngineChoice): Promise<RunningOnnx> {
  const { path } = model;
  const { ort, session, about, declined } = await open(model, choice);
  const declared = formOf(
    path,
    { inputs: session.inputMetadata.map(declaredOf), outputs: session.outputMetadata.map(declaredOf) },
    model,
  );
  const { output } = declared;
  const { height, width, channels, layout, name } = declared.input;
  const length = height * width * channels;
  const run = async (pictures: Float32Array): Promise<Float32Array> => {
    const count = pictures.length / length;
    const shape = layout === 'NCHW' ? [count, channels, height, width] : [count, height, width, channels];
    const feeds = { [name]: new ort.Tensor('float32', pictures, shape) };
    // What fails is told once, by the error.
    const results = await session.run(feeds, [output.name], { logSeverityLevel: 4 });
    return valuesOf(results[output.name], count * output.classes);
  };
  const raw = async (pictures: Float32Array, most: number): Promise<Float32Array> => {
    const count = pictures.length / length;
    const all = new Float32Array(count * output.classes);
    for (let i = 0; i < count; i += most)
      all.set(
        await run(pictures.subarray(i * length, Math.min(i + most, count) * length)),
        i * output.classes,
      );
    return all;
  };
  // The second one is lighter and flatter, so that what depends on both of them shows.
  const trial = noise(2 * length, 1).map((value, i) => (i < length ? value : 0.5 + value / 4));
  const alone = await raw(trial, 1).catch((error: Error) => {
    if (error instanceof PlainviewError) throw error;
    throw createError(
      'network_mismatch',
      {
        problem: `${path}: the graph does not run on a picture of ${height} × ${width} with ${channels} channels: ${firstLine(error)}`,
      },
      error,
    );
  });
  // Many exports leave the number of pictures open at the input, and fix it further inside.
  const both = declared.batch === 'open' ? await raw(trial, 2).catch(() => undefined) : undefined;
  const form: OnnxForm = both === undefined ? { ...declared, batch: 1 } : declared;
  const most = form.batch === 'open' ? Math.max(together, about.batch) : 1;
  const again = both ?? (await raw(trial, 1));
  return {
    form,
    suspicions: suspicionsOf(again, alone.subarray(output.classes), output),
    declined,
    engine: {
      ...about,
      infer: async (pictures) => {
        const values = await raw(pictures, most).catch((error: Error) => {
          if (error instanceof PlainviewError) throw error;
          const problem = `it does not run on this picture: ${firstLine(error)}`;
          throw createError('network_output', { problem }, error);
        });
        return { scores: scoresOf(values, output) };
      },
      close: () => session.release(),
    },
  };
}

/** On the first engine of the choice that can run it. */
async function open({ path, file }: OnnxModel, choice: EngineChoice) {
  // The SHA-256 of records would not tell of such weights.
  if (hasWeightsElsewhere(file)) throw createError('network_unreadable', { problem: split(path) });
  const names = (['cuda', 'onnxruntime'] as const).filter((name) => enginesOf(choice).includes(name));
  const declined: Declined[] = [];
  for (const name of names)
    try {
      return { ...(await createSession(name, () => ({ file, weights: [] }))), declined };
    } catch (error) {
      const isUnavailable = error instanceof PlainviewError && error.code === 'engine_unavailable';
      if (!isUnavailable) throw unreadable(path, error as Error);
      if (name === names.at(-1)) throw error;
      declined.push({ engine: name, reason: error.message, failure: detailOf(error) });
    }
  throw createError('engine_unavailable', {
    engine: choice,
    why: `${path} is an ONNX file, which only onnxruntime runs: set PLAINVIEW_ENGINE (--engine) to auto, cuda or onnxruntime`,
  });
}

/**
 * Computes what the last average of a graph averages, where it has one before its last layer.
 * @returns undefined where it has none
 */
export async function startFeatures({ file }: OnnxModel, { input, output }: OnnxForm) {
  const head = pooledHeadOf(file, output.name);
  if (head === undefined || head.outputs !== output.classes) return undefined;
  const { ort, session } = await createSession('onnxruntime', () => ({
    file: withOutput(file, head.features),
    weights: [],
  }));
  const { layout, channels, height, width } = input;
  const shape = layout === 'NCHW' ? [1, channels, height, width] : [1, height, width, channels];
  return {
    head,
    async featuresOf(picture: Float32Array): Promise<Features | undefined> {
      const feeds = { [input.name]: new ort.Tensor('float32', picture, shape) };
      const { data, dims } = (await session.run(feeds, [head.features]))[head.features] ?? {};
      const [, ...axes] = dims ?? [];
      const [rows, columns] = head.layout === 'NCHW' ? axes.slice(1) : axes;
      if (!(data instanceof Float32Array) || rows === undefined || columns === undefined) return undefined;
      return { values: data, height: rows, width: columns };
    },
  };
}

function declaredOf(value: InferenceSession.ValueMetadata): Declared {
  if (!value.isTensor) return { name: value.name, type: 'no tensor', shape: [] };
  return { name: value.name, type: value.type, shape: value.shape };
}

function valuesOf(output: Tensor | undefined, count: number): Float32Array {
  const values = output?.data;
  if (values instanceof Float32Array && values.length === count) return values;
  throw createError('network_output', {
    problem: `its output has the shape [${output?.dims.join(', ')}] where ${count} values were expected`,
  });
}

/** The weights of large networks, and of all that PyTorch's exporter writes by default, are in a file of their own, also within what `hasWeightsElsewhere` does not look into. */
function unreadable(path: string, error: Error): PlainviewError {
  const isSplit = /external|\.data\b/i.test(error.message);
  const problem = isSplit
    ? split(path)
    : `${path} is no ONNX file that onnxruntime can run: ${firstLine(error)}`;
  return createError('network_unreadable', { problem }, error);
}

const split = (path: string) =>
  `the weights of ${path} are in another file. Plainview needs one file: torch.onnx.export(…, external_data=False), or onnx.save(onnx.load("${path}"), "one-file.onnx")`;

/** onnxruntime begins with the place in its own sources: file, line and the function with its parameters. */
const firstLine = ({ message }: Error) =>
  (message.split('\n')[0] ?? '')
    .replace(/\S*\/onnxruntime_src\/\S+ [^()]*\([^()]*\)( const)? /, '')
    .slice(0, 500)
    .replace(/[. ]+$/, '');
