import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { createError, PlainviewError } from '../errors/errors.js';
import {
  descriptionPath,
  type GraphDescription,
  graphDescription,
  type OnnxDescription,
  onnxDescription,
  type Purpose,
  readDescription,
  type Thresholds,
} from './description.js';
import type { KnownAnswer } from './engines/self-test.js';
import { defaultLayers, type Layers } from './graph/layers.js';
import { knownAnswer } from './known-answers.js';
import { isOnnx, namesOf, namesPath, readNetworkFile } from './network-files.js';
import type { Precision } from './precision.js';
import type { Preparation } from './prepare/resize.js';

export type { Thresholds } from './description.js';

/** For a network without thresholds. They are cautious, because its errors at a defined score are not known. */
export const defaultThresholds: Thresholds = { threshold: 0.8, margin: 0.1, unknownBelow: 0.4 };

export interface Network {
  readonly name: string;
  /** SHA-256 of the network file, hexadecimal; of a cascade, of all its files' together. */
  readonly sha256: string;
  readonly purpose: Purpose;
  /** Names of the outputs, in the order of the outputs; of a cascade, of all its networks. */
  readonly classes: readonly string[];
  readonly thresholds: Thresholds;
  readonly note?: string;
  /** Of an ONNX network: hash of how its pictures are prepared and its outputs are read. The same file can have others. */
  readonly form?: string;
  /** Of an ONNX network: hash of what a decision takes from its description. */
  readonly described?: string;
  /** Absent: float32. */
  readonly precision?: 'int8';
  /** DICOM codes that the description declares for categories, as they stand there. */
  readonly views?: Readonly<Record<string, unknown>>;
}

export interface NetworkSource {
  /** Path of the frozen graph (`.pb`) or the ONNX file (`.onnx`). */
  graph: string;
  /** Path of the file with the names of a frozen graph's outputs, one per line; default: `classes.txt` beside it. */
  labels?: string | undefined;
  /** These override the description file, which overrides the defaults. */
  thresholds?: { [K in keyof Thresholds]?: number | undefined } | undefined;
  /** Names of input and output; default: `input` and `final_result`; of an ONNX file, what its description says. */
  inputLayer?: string | undefined;
  outputLayer?: string | undefined;
  /** Default: float32. */
  precision?: Precision | undefined;
  /** Of a frozen graph. Defaults as in `label_image.py`: 224 × 224, mean and standard deviation 128. */
  inputHeight?: number | undefined;
  inputWidth?: number | undefined;
  inputMean?: number | undefined;
  inputStd?: number | undefined;
}

/** What a worker process runs. */
export type Model =
  | {
      readonly kind: 'frozen';
      readonly file: Buffer;
      readonly layers: Layers;
      readonly preparation: Preparation;
      readonly precision: Precision;
      /** For the self-test. */
      readonly known?: KnownAnswer | undefined;
    }
  | {
      readonly kind: 'onnx';
      /** For messages. */
      readonly path: string;
      readonly file: Buffer;
      readonly input: OnnxDescription['input'];
      readonly output: OnnxDescription['output'];
    };

export interface LoadedNetwork {
  /** As decisions name it: of a cascade, all its networks as one. */
  readonly network: Network;
  /** Of the network file. */
  readonly path: string;
  /** The first of a cascade, or the only one. */
  readonly first: Network;
  /** The graph's bytes are in it: a process that is started later runs the same network, even if the file was replaced. */
  readonly model: Model;
  /** The file with the names of the outputs, for messages. */
  readonly namesFrom: string;
  /** Of a cascade: which network looks next, by the category that the first one gives. */
  readonly next: ReadonlyMap<string, LoadedNetwork>;
}

/**
 * Reads the files of a network, and of those that look next. It does not parse the graph.
 * @throws network_unreadable, network_mismatch, int8_unavailable, usage
 */
export async function loadNetwork(source: NetworkSource): Promise<LoadedNetwork> {
  const first = await loadOne(source);
  const next = new Map<string, LoadedNetwork>();
  // One network may look at several categories.
  const loaded = new Map<string, LoadedNetwork>();
  for (const [category, graph] of nextOf(source, first)) {
    const one = loaded.get(graph) ?? (await loadNext(source, graph));
    loaded.set(graph, one);
    next.set(category, one);
  }
  return { ...first, network: next.size === 0 ? first.first : asOne(first.first, next), next };
}

/**
 * Reads the names of a network's outputs, without its graph; of a cascade, of all its networks.
 * @throws network_unreadable, network_mismatch
 */
export async function readClasses(source: NetworkSource): Promise<readonly string[]> {
  const { classes, description } = await readNames(source);
  const next = await Promise.all(
    nextOf(source, { first: { classes }, description }).map(([, graph]) => readNames({ graph })),
  );
  return unionOf([classes, ...next.map(({ classes }) => classes)]);
}

/** The DICOM codes that descriptions declare, of a cascade of all its networks. It reads no graph. @throws network_unreadable */
export async function readViews(source: NetworkSource): Promise<NonNullable<Network['views']>> {
  const viewsIn = async (graph: string) => {
    if (!isOnnx(graph)) return { next: (await readDescription(graph, graphDescription, {})).next, views: {} };
    const { next, views } = await readDescription(graph, onnxDescription);
    return { next, views };
  };
  const first = await viewsIn(source.graph);
  const next = await Promise.all(
    Object.values(first.next).map((file) => viewsIn(resolve(dirname(source.graph), file))),
  );
  return Object.assign({}, ...[first, ...next].map(({ views }) => views));
}

/** @throws network_mismatch where the graph has more or fewer outputs than there are names */
export function requireOutputs({ first, namesFrom }: LoadedNetwork, outputs: number): void {
  const names = first.classes.length;
  if (outputs !== names)
    throw createError('network_mismatch', {
      problem: `the graph has ${outputs} outputs, and ${namesFrom} names ${names}`,
    });
}

/** @throws training_impossible where there is no last layer that a training could replace */
export function requireFrozen({ model, first, next }: LoadedNetwork): Extract<Model, { kind: 'frozen' }> {
  if (model.kind === 'frozen' && model.precision === 'float32' && next.size === 0) return model;
  const why =
    next.size > 0
      ? 'it is a cascade of several networks'
      : model.kind === 'frozen'
        ? 'it runs in int8, and a training needs what it computes in float32'
        : 'it is an ONNX file, whose last layer Plainview does not know';
  throw createError('training_impossible', {
    problem: `it cannot start from ${first.name}: ${why}. A training replaces the last layer of one frozen graph (.pb): name such a network with --network (embedded, nncpr), or train ${first.name} with the program that made it`,
  });
}

type Description = GraphDescription | OnnxDescription;

async function readNames(source: NetworkSource) {
  if (!isOnnx(source.graph)) {
    const [classes, description] = [
      await namesOf(source),
      await readDescription(source.graph, graphDescription, {}),
    ];
    return { classes, description };
  }
  const path = descriptionPath(source.graph);
  if (source.labels !== undefined)
    throw createError('usage', {
      problem: `the names of the categories of ${source.graph} are in ${path}: leave out ${source.labels} (PLAINVIEW_LABELS, --labels, --classes)`,
    });
  const description = await readDescription(source.graph, onnxDescription);
  return { classes: description.categories, description };
}

async function loadOne(
  source: NetworkSource,
): Promise<Pick<LoadedNetwork, 'path' | 'first' | 'model' | 'namesFrom'> & { description: Description }> {
  const { graph } = source;
  const file = await readNetworkFile(graph);
  const { classes, description } = await readNames(source);
  const sha256 = sha256Of(file);
  if (description.sha256 !== undefined && description.sha256 !== sha256)
    throw createError('network_mismatch', {
      problem: `${graph} has the SHA-256 ${sha256}, and the file beside it says ${description.sha256}`,
    });
  const namesFrom = isOnnx(graph) ? descriptionPath(graph) : namesPath(source);
  const repeated = classes.find((name, i) => classes.indexOf(name) !== i);
  if (repeated !== undefined)
    throw createError('network_mismatch', { problem: `${namesFrom} names "${repeated}" twice` });
  const model = await modelOf(source, file, sha256, description);
  const first: Network = {
    name: description.name ?? graph.replace(/^.*[\\/]/, '').replace(/\.(pb|onnx)$/i, ''),
    sha256,
    purpose: description.purpose,
    classes,
    thresholds: {
      ...defaultThresholds,
      ...defined(description.thresholds),
      ...defined(source.thresholds ?? {}),
    },
    ...(description.note === undefined ? {} : { note: description.note }),
    ...(source.precision === 'int8' ? { precision: 'int8' } : {}),
    ...describedOf(model, description),
  };
  return { path: graph, first, model, namesFrom, description };
}

function describedOf(model: Model, description: Description): Pick<Network, 'views' | 'form' | 'described'> {
  if (model.kind !== 'onnx' || !('categories' in description)) return {};
  const { categories, thresholds, views } = description;
  const form = [model.input, model.output];
  return {
    views,
    form: sha256Of(JSON.stringify(form)),
    described: sha256Of(JSON.stringify([...form, categories, thresholds])),
  };
}

const sha256Of = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex');

async function modelOf(
  source: NetworkSource,
  file: Buffer,
  sha256: string,
  description: Description,
): Promise<Model> {
  const { graph: path, inputLayer, outputLayer } = source;
  if (!('categories' in description)) {
    const layers = { ...defaultLayers, ...defined({ inputLayer, outputLayer }) };
    return {
      kind: 'frozen',
      file,
      layers,
      preparation: {
        height: source.inputHeight ?? 224,
        width: source.inputWidth ?? 224,
        mean: source.inputMean ?? 128,
        std: source.inputStd ?? 128,
      },
      precision: source.precision ?? 'float32',
      known: await knownAnswer(sha256, layers),
    };
  }
  if (source.precision === 'int8')
    throw createError('int8_unavailable', {
      why: `${path} is an ONNX file, which runs as it is: choose float32, and let the program that made the file quantise it`,
    });
  const given = (['inputHeight', 'inputWidth', 'inputMean', 'inputStd'] as const).find(
    (name) => source[name] !== undefined,
  );
  if (given !== undefined)
    throw createError('usage', {
      problem: `how pictures are prepared for ${path} is in ${descriptionPath(path)}: leave out --${given.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
    });
  const { input, output } = description;
  return {
    kind: 'onnx',
    path,
    file,
    input: inputLayer === undefined ? input : { ...input, name: inputLayer },
    output: outputLayer === undefined ? output : { ...output, name: outputLayer },
  };
}

/** The paths of the networks that look next, by category. @throws network_mismatch where they are no cascade of two */
function nextOf(
  { graph }: NetworkSource,
  { first: { classes }, description }: { first: Pick<Network, 'classes'>; description: Description },
): (readonly [string, string])[] {
  const refuse = (what: string) =>
    createError('network_mismatch', { problem: `${descriptionPath(graph)}: next: ${what}` });
  return Object.entries(description.next).map(([category, file]) => {
    if (!classes.includes(category) || category === 'other')
      throw refuse(
        `"${category}" is no category of this network, which gives ${classes.filter((name) => name !== 'other').join(', ')}`,
      );
    const path = resolve(dirname(graph), file);
    if (path === resolve(graph)) throw refuse(`${file} is this network itself`);
    return [category, path];
  });
}

async function loadNext({ graph: before, precision }: NetworkSource, graph: string): Promise<LoadedNetwork> {
  const loaded = await loadOne({ graph, precision }).catch((caught: unknown) => {
    // What is wrong is told of a file that nobody named on the command line.
    if (!(caught instanceof PlainviewError) || caught.code !== 'network_unreadable') throw caught;
    const { problem } = caught.params as { problem: string };
    throw createError(
      'network_unreadable',
      { problem: `${descriptionPath(before)}: next: ${problem}` },
      caught,
    );
  });
  if (Object.keys(loaded.description.next).length > 0)
    throw createError('network_mismatch', {
      problem: `${descriptionPath(before)} names ${graph} as the network that looks next, and that one names others: a cascade has two steps, so remove \`next\` from ${descriptionPath(graph)}`,
    });
  return { ...loaded, network: loaded.first, next: new Map() };
}

/** A cascade as one network. Its hash is another one as soon as one of its files is, or looks at another category. */
function asOne(first: Network, following: ReadonlyMap<string, LoadedNetwork>): Network {
  const next = [...following].map(([category, { network }]) => ({ category, network }));
  const all = [first, ...next.map(({ network }) => network)];
  return {
    ...first,
    sha256: sha256Of(
      [first.sha256, ...next.map(({ category, network }) => `${category} ${network.sha256}`)].join('\n'),
    ),
    form: sha256Of(JSON.stringify(all.map(({ form }) => form))),
    ...(all.some(({ described }) => described !== undefined)
      ? { described: sha256Of(JSON.stringify(all.map(({ described }) => described))) }
      : {}),
    purpose:
      (['research', 'unstated'] as const).find((purpose) => all.some((each) => each.purpose === purpose)) ??
      'clinical',
    classes: unionOf(all.map(({ classes }) => classes)),
    views: Object.assign({}, ...all.map(({ views }) => views)),
    note: [
      first.note,
      ...next.map(
        ({ category, network: { name, sha256 } }) =>
          `${category}: ${name} (${sha256.slice(0, 8)}) looks next`,
      ),
    ]
      .filter((each) => each !== undefined)
      .join('; '),
  };
}

const unionOf = (lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())];

const defined = <T>(values: Readonly<Record<string, T | undefined>>): Record<string, T> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, T] => entry[1] !== undefined));
