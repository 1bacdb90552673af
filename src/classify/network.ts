import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { createError } from '../errors/errors.js';
import { readGraphDef } from './graph/graphdef.js';

const fraction = z.number().min(0).max(1);

/** When a score is enough for a category: see `decide`. */
const thresholds = z.object({
  /** Best score from which a category is given. */
  threshold: fraction,
  /** Least distance between the two best scores. */
  margin: fraction,
  /** Best score under which the picture counts as none of the categories. */
  unknownBelow: fraction,
});
export type Thresholds = z.infer<typeof thresholds>;

/** For a network that brings none: cautious, for nobody has measured how its scores and its errors relate. */
export const defaultThresholds: Thresholds = { threshold: 0.8, margin: 0.1, unknownBelow: 0.4 };

const purpose = z.enum(['research', 'clinical', 'unstated']);

/** What may stand beside a graph, under its name with `.json` for `.pb`. */
const sideFile = z.object({
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
  /** SHA-256 of the graph's file, hexadecimal. */
  readonly sha256: string;
  readonly purpose: z.infer<typeof purpose>;
  /** Names of the outputs, in their order. */
  readonly classes: readonly string[];
  readonly thresholds: Thresholds;
  readonly note?: string;
}

export interface NetworkSource {
  /** Path of the frozen graph (`.pb`). */
  graph: string;
  /** Path of the file with its outputs' names, one a line. */
  labels: string;
  /** What is given here goes before the side file's and the defaults. */
  thresholds?: { [K in keyof Thresholds]?: number | undefined } | undefined;
}

/**
 * Reads a network's files; what the graph holds is not looked at.
 * @returns the network, and the graph's bytes in memory that worker threads share: were the file exchanged later,
 * a replaced worker would still run the same network
 * @throws network_unreadable, network_mismatch
 */
export async function loadNetwork(
  source: NetworkSource,
): Promise<{ network: Network; file: SharedArrayBuffer }> {
  const graph = await readGraph(source.graph);
  const side = await readSideFile(source.graph);
  const sha256 = createHash('sha256').update(graph).digest('hex');
  if (side.sha256 !== undefined && side.sha256 !== sha256)
    throw createError('network_mismatch', {
      problem: `${source.graph} has the SHA-256 ${sha256}, and the file beside it says ${side.sha256}`,
    });
  const classes = await readClasses(source);
  const repeated = classes.find((name, i) => classes.indexOf(name) !== i);
  if (repeated !== undefined)
    throw createError('network_mismatch', { problem: `${source.labels} names "${repeated}" twice` });
  const file = new SharedArrayBuffer(graph.length);
  new Uint8Array(file).set(graph);
  const network = {
    name: side.name ?? source.graph.replace(/^.*[\\/]/, '').replace(/\.pb$/, ''),
    sha256,
    purpose: side.purpose,
    classes,
    thresholds: { ...defaultThresholds, ...given(side.thresholds), ...given(source.thresholds ?? {}) },
    ...(side.note === undefined ? {} : { note: side.note }),
  };
  return { network, file };
}

/**
 * The names of a network's outputs, without the network: one a line, as `label_image.py` reads them; the end of the
 * file may be empty lines.
 * @throws network_unreadable
 */
export async function readClasses({ graph, labels }: NetworkSource): Promise<readonly string[]> {
  const text = await readFile(labels, 'utf8').catch(async (error: NodeJS.ErrnoException) => {
    // Where the graph's path is wrong, so is the one that follows from it.
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

const given = (values: NonNullable<NetworkSource['thresholds']>): Partial<Thresholds> =>
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

async function readSideFile(graph: string): Promise<z.infer<typeof sideFile>> {
  const path = graph.replace(/(\.pb)?$/, '.json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw createError('network_unreadable', { problem: `${path}: ${error.message}` }, error);
  });
  try {
    return sideFile.parse(JSON.parse(text));
  } catch (error) {
    const problem = error instanceof z.ZodError ? z.prettifyError(error).replace(/\s+/g, ' ') : String(error);
    throw createError('network_unreadable', { problem: `${path}: ${problem}` }, error);
  }
}
