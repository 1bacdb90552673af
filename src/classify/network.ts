import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { createError } from '../errors/errors.js';
import { readGraphDef } from './graph/graphdef.js';

const fraction = z.number().min(0).max(1);

/** Used by `decide`. All are scores, 0 … 1. */
const thresholds = z.object({
  /** Least score of the best class for a category. */
  threshold: fraction,
  /** Least difference between the two best scores for a category. */
  margin: fraction,
  /** Under this best score the picture counts as none of the categories. */
  unknownBelow: fraction,
});
export type Thresholds = z.infer<typeof thresholds>;

/** For a network without thresholds. They are cautious, because its errors at a defined score are not known. */
export const defaultThresholds: Thresholds = { threshold: 0.8, margin: 0.1, unknownBelow: 0.4 };

const purpose = z.enum(['research', 'clinical', 'unstated']);

/** The optional description of a graph: a file beside it, named as the graph with `.json` in place of `.pb`. */
const descriptionFile = z.object({
  name: z.string().min(1).optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  purpose: purpose.default('unstated'),
  thresholds: thresholds.partial().default({}),
  note: z.string().optional(),
});

export interface Network {
  readonly name: string;
  /** SHA-256 of the graph file, hexadecimal. */
  readonly sha256: string;
  readonly purpose: z.infer<typeof purpose>;
  /** Names of the outputs, in the order of the outputs. */
  readonly classes: readonly string[];
  readonly thresholds: Thresholds;
  readonly note?: string;
}

export interface NetworkSource {
  /** Path of the frozen graph (`.pb`). */
  graph: string;
  /** Path of the file with the names of the outputs, one per line. */
  labels: string;
  /** These override the description file, which overrides the defaults. */
  thresholds?: { [K in keyof Thresholds]?: number | undefined } | undefined;
}

/**
 * Reads the files of a network. It does not parse the graph.
 * @returns the network, and the graph's bytes. So a worker process that is started later
 *   runs the same network, even if the file was replaced.
 * @throws network_unreadable, network_mismatch
 */
export async function loadNetwork(source: NetworkSource): Promise<{ network: Network; file: Buffer }> {
  const graph = await readGraph(source.graph);
  const description = await readDescriptionFile(source.graph);
  const sha256 = createHash('sha256').update(graph).digest('hex');
  if (description.sha256 !== undefined && description.sha256 !== sha256)
    throw createError('network_mismatch', {
      problem: `${source.graph} has the SHA-256 ${sha256}, and the file beside it says ${description.sha256}`,
    });
  const classes = await readClasses(source);
  const repeated = classes.find((name, i) => classes.indexOf(name) !== i);
  if (repeated !== undefined)
    throw createError('network_mismatch', { problem: `${source.labels} names "${repeated}" twice` });
  const network = {
    name: description.name ?? source.graph.replace(/^.*[\\/]/, '').replace(/\.pb$/, ''),
    sha256,
    purpose: description.purpose,
    classes,
    thresholds: {
      ...defaultThresholds,
      ...defined(description.thresholds),
      ...defined(source.thresholds ?? {}),
    },
    ...(description.note === undefined ? {} : { note: description.note }),
  };
  return { network, file: graph };
}

/**
 * Reads the names of a network's outputs, one per line as in `label_image.py`. It ignores empty lines at the end.
 * @throws network_unreadable
 */
export async function readClasses({ graph, labels }: NetworkSource): Promise<readonly string[]> {
  const text = await readFile(labels, 'utf8').catch(async (error: NodeJS.ErrnoException) => {
    // The path of the names follows from the path of the graph. If that one is wrong, the error must name it.
    await requireGraph(graph);
    throw unreadable(
      labels,
      error,
      "the names of the network's outputs are looked for beside the graph, or where PLAINVIEW_LABELS (--labels, --classes) says",
    );
  });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim());
}

/** @throws network_mismatch where the graph has more or fewer outputs than there are names */
export function requireOutputs(network: Network, outputs: number, labels: string): void {
  const names = network.classes.length;
  if (outputs !== names)
    throw createError('network_mismatch', {
      problem: `the graph has ${outputs} outputs, and ${labels} names ${names}`,
    });
}

const defined = (values: NonNullable<NetworkSource['thresholds']>): Partial<Thresholds> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

const advice =
  'PLAINVIEW_NETWORK (--network, --graph) must be embedded, nncpr (after `plainview model fetch`), or the path of a graph';

const readGraph = (graph: string): Promise<Buffer> =>
  readFile(graph).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(graph, error, advice);
  });

async function requireGraph(graph: string): Promise<void> {
  const file = await readGraph(graph);
  try {
    readGraphDef(file);
  } catch (error) {
    throw createError(
      'network_unreadable',
      { problem: `${graph} is not a frozen graph of TensorFlow: ${advice}` },
      error,
    );
  }
}

function unreadable(path: string, error: NodeJS.ErrnoException, advice: string) {
  const why = error.code === 'ENOENT' ? 'is not there' : `cannot be read (${error.message})`;
  return createError('network_unreadable', { problem: `${path} ${why}: ${advice}` }, error);
}

async function readDescriptionFile(graph: string): Promise<z.infer<typeof descriptionFile>> {
  const path = graph.replace(/(\.pb)?$/, '.json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw createError('network_unreadable', { problem: `${path}: ${error.message}` }, error);
  });
  try {
    return descriptionFile.parse(JSON.parse(text));
  } catch (error) {
    const problem = error instanceof z.ZodError ? z.prettifyError(error).replace(/\s+/g, ' ') : String(error);
    throw createError('network_unreadable', { problem: `${path}: ${problem}` }, error);
  }
}
