import { createError } from '../../errors/errors.js';
import type { Graph, GraphNode, NodeName } from './graphdef.js';
import { type Constant, readConst, sizeOf } from './tensor.js';

/** Ops whose output is their first input, in inference. */
export const passThrough: ReadonlySet<string> = new Set([
  'Identity',
  'StopGradient',
  'CheckNumerics',
  'PlaceholderWithDefault', // the bottleneck input of retrain.py, which inference does not feed
  'Snapshot',
]);

/** Only the number and order of the values of reshaped constants are used, and reshaping keeps both. */
const reshapes: ReadonlySet<string> = new Set(['Reshape', 'Squeeze', 'ExpandDims']);

const elementwise: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  AddV2: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  RealDiv: (a, b) => a / b,
};

/**
 * Evaluates nodes that depend only on constants: weights behind `/read` identities, and the arithmetic of a decomposed
 * batch normalisation. It computes in float64.
 */
export class Constants {
  readonly #graph: Graph;
  readonly #known = new Map<NodeName, Constant | undefined>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** @returns undefined where the node depends on the picture, or has an op that is not evaluated */
  of(name: NodeName): Constant | undefined {
    if (!this.#known.has(name)) {
      // This comes first, so that a cycle gives undefined and no stack overflow.
      this.#known.set(name, undefined);
      const node = this.#graph.get(name);
      if (node) this.#known.set(name, this.#evaluate(node));
    }
    return this.#known.get(name);
  }

  #evaluate(node: GraphNode): Constant | undefined {
    if (node.op === 'Const') return readConst(node);
    const combine = elementwise[node.op];
    const isKnown = combine || node.op === 'Rsqrt' || passThrough.has(node.op) || reshapes.has(node.op);
    const [first, second] = node.input;
    const a = isKnown && first !== undefined ? this.of(first) : undefined;
    if (!a) return undefined;
    if (node.op === 'Rsqrt') return { shape: a.shape, values: Float64Array.from(a.values, rsqrt) };
    if (reshapes.has(node.op)) return { shape: [a.values.length], values: a.values };
    if (!combine) return a;
    const b = second === undefined ? undefined : this.of(second);
    return b && broadcast(node, a, b, combine);
  }
}

const rsqrt = (x: number) => 1 / Math.sqrt(x);

function broadcast(
  node: GraphNode,
  a: Constant,
  b: Constant,
  combine: (a: number, b: number) => number,
): Constant {
  const larger = sizeOf(a.shape) >= sizeOf(b.shape) ? a : b;
  const { length } = larger.values;
  for (const operand of [a, b])
    if (operand.values.length !== length && operand.values.length !== 1)
      throw createError('network_unsupported', {
        node: node.name,
        op: node.op,
        problem: `it combines constants of the shapes [${a.shape}] and [${b.shape}]`,
      });
  const at = (operand: Constant, i: number) => operand.values[operand.values.length === 1 ? 0 : i] ?? 0;
  const values = Float64Array.from({ length }, (_, i) => combine(at(a, i), at(b, i)));
  return { shape: larger.shape, values };
}
