import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createError } from '../errors/errors.js';
import { refuseForeignFile } from './foreign-files.js';

/** What else there is but a frozen graph. */
export const isOnnx = (path: string): boolean => /\.onnx$/i.test(path);

interface GraphAndNames {
  graph: string;
  labels?: string | undefined;
}

/** The file with the names of a frozen graph's outputs. */
export const namesPath = ({ graph, labels }: GraphAndNames): string =>
  labels ?? join(dirname(graph), 'classes.txt');

const advice =
  'PLAINVIEW_NETWORK (--network, --graph) must be embedded, nncpr (after `plainview model fetch`), or the path of a frozen graph (.pb) or an ONNX file (.onnx)';

/** @throws network_unreadable */
export async function readNetworkFile(graph: string): Promise<Buffer> {
  await refuseForeignFile(graph);
  return readFile(graph).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(graph, error, advice);
  });
}

/**
 * The names of a frozen graph's outputs, one per line as in `label_image.py`. It ignores empty lines at the end.
 * @throws network_unreadable
 */
export async function namesOf(source: GraphAndNames): Promise<readonly string[]> {
  const path = namesPath(source);
  const text = await readFile(path, 'utf8').catch(async (error: NodeJS.ErrnoException) => {
    // The path of the names follows from the path of the graph. If that one is wrong, the error must name it.
    await requireGraph(source.graph);
    throw unreadable(
      path,
      error,
      "the names of the network's outputs are looked for beside the graph, or where PLAINVIEW_LABELS (--labels, --classes) says",
    );
  });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim());
}

async function requireGraph(graph: string): Promise<void> {
  const file = await readNetworkFile(graph);
  const { readGraphDef } = await import('./graph/graphdef.js');
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
