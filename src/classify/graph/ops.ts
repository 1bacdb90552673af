import { createError } from '../../errors/errors.js';
import { type Constants, passThrough } from './constants.js';
import type { GraphNode, NodeName } from './graphdef.js';
import type { Pads, StepBody, Strides } from './steps.js';
import type { Constant } from './tensor.js';

/** The operation of a node on the picture, and the node before it. */
export interface ParsedOp {
  readonly from: NodeName;
  /** Absent where the node does not change the picture. */
  readonly body?: StepBody;
}

type OpReader = (node: GraphNode, constants: Constants) => ParsedOp;

const refuse = (node: GraphNode, problem: string) =>
  createError('network_unsupported', { node: node.name, op: node.op, problem });

/** @throws network_unsupported, with op and node, where the op is not of the MobileNet v1 family */
export function readOp(node: GraphNode, constants: Constants): ParsedOp {
  const reader = passThrough.has(node.op) ? passInput : readers[node.op];
  if (!reader) throw refuse(node, 'MobileNet v1 has no such op');
  return reader(node, constants);
}

const passInput: OpReader = (node) => ({ from: inputOf(node, 0) });

/** The constant operand and the other one, in any order. */
function splitOperands(node: GraphNode, constants: Constants) {
  const [left, right] = [inputOf(node, 0), inputOf(node, 1)];
  const constant = constants.of(right);
  if (constant) return { from: left, constant, constantFirst: false };
  const first = constants.of(left);
  if (first) return { from: right, constant: first, constantFirst: true };
  throw refuse(node, 'it joins two branches, and MobileNet v1 has one');
}

const arithmetic =
  (affine: (c: number, constantFirst: boolean) => readonly [scale: number, offset: number]): OpReader =>
  (node, constants) => {
    const { from, constant, constantFirst } = splitOperands(node, constants);
    const pairs = Array.from(constant.values, (c) => affine(c, constantFirst));
    return {
      from,
      body: {
        kind: 'affine',
        scale: Float64Array.from(pairs, ([scale]) => scale),
        offset: Float64Array.from(pairs, ([, offset]) => offset),
      },
    };
  };

const clip =
  (low: number, high: number): OpReader =>
  (node) => ({ from: inputOf(node, 0), body: { kind: 'clip', low, high } });

const bound =
  (bounds: (limit: number) => { low: number; high: number }): OpReader =>
  (node, constants) => {
    const { from, constant } = splitOperands(node, constants);
    if (constant.values.length !== 1) throw refuse(node, 'its limit is not a single number');
    return { from, body: { kind: 'clip', ...bounds(constant.values[0] ?? 0) } };
  };

const convolution =
  (kind: 'conv' | 'depthwise'): OpReader =>
  (node, constants) => {
    requireNhwc(node);
    const kernel = constantOf(node, 1, constants);
    if (kernel.shape.length !== 4) throw refuse(node, `its kernel has the shape [${kernel.shape}]`);
    // Graphs from before TensorFlow 1.6 have no attribute dilations.
    if (node.attr.dilations?.list?.i.some((dilation) => dilation !== 1)) throw refuse(node, 'it is dilated');
    return {
      from: inputOf(node, 0),
      body: { kind, kernel, strides: stridesOf(node), padding: paddingOf(node) },
    };
  };

const batchNorm: OpReader = (node, constants) => {
  requireNhwc(node);
  if (node.attr.is_training?.b ?? true)
    throw refuse(node, 'it is still in training mode: freeze the graph for inference');
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => constantOf(node, i, constants).values);
  const epsilon = node.attr.epsilon?.f ?? 1e-4; // TensorFlow's default for the attribute
  const scale = Float64Array.from(variance ?? [], (v, c) => (gamma?.[c] ?? 1) / Math.sqrt(v + epsilon));
  const offset = scale.map((s, c) => (beta?.[c] ?? 0) - (mean?.[c] ?? 0) * s);
  return { from: inputOf(node, 0), body: { kind: 'affine', scale, offset } };
};

const pad: OpReader = (node, constants) => {
  const amounts = constantOf(node, 1, constants).values;
  if (node.input.length > 2 && constantOf(node, 2, constants).values[0] !== 0)
    throw refuse(node, 'it pads with something else than zeros');
  return { from: inputOf(node, 0), body: { kind: 'pad', pads: padsFrom(node, amounts) } };
};

const averagePool: OpReader = (node) => {
  requireNhwc(node);
  if (paddingOf(node) === 'SAME') throw refuse(node, 'its padding is SAME');
  const [, height = 0, width = 0] = node.attr.ksize?.list?.i ?? [];
  return { from: inputOf(node, 0), body: { kind: 'pool', window: [height, width] } };
};

const mean: OpReader = (node, constants) => {
  const axes = Array.from(constantOf(node, 1, constants).values, (axis) => (axis + 4) % 4);
  if (axes.sort().join() !== '1,2') throw refuse(node, `it averages over the axes [${axes}]`);
  return { from: inputOf(node, 0), body: { kind: 'pool', window: undefined } };
};

const reshape: OpReader = (node, constants) => {
  const shapeNode = node.input[1];
  // Keras computes the shape at run time. Then the check of the next layer must suffice.
  const last = shapeNode === undefined ? undefined : constants.of(shapeNode)?.values.at(-1);
  return {
    from: inputOf(node, 0),
    body: { kind: 'flatten', channels: last === undefined || last < 0 ? undefined : last },
  };
};

const matMul: OpReader = (node, constants) => {
  if (node.attr.transpose_a?.b) throw refuse(node, 'it transposes the features');
  const weights = constantOf(node, 1, constants);
  if (weights.shape.length !== 2) throw refuse(node, `its weights have the shape [${weights.shape}]`);
  return {
    from: inputOf(node, 0),
    body: { kind: 'dense', weights: node.attr.transpose_b?.b ? transposed(weights) : weights },
  };
};

const readers: Readonly<Record<string, OpReader>> = {
  Conv2D: convolution('conv'),
  DepthwiseConv2dNative: convolution('depthwise'),
  FusedBatchNorm: batchNorm,
  FusedBatchNormV2: batchNorm,
  FusedBatchNormV3: batchNorm,
  BiasAdd: arithmetic((bias) => [1, bias]),
  Add: arithmetic((c) => [1, c]),
  AddV2: arithmetic((c) => [1, c]),
  Sub: arithmetic((c, constantFirst) => (constantFirst ? [-1, c] : [1, -c])),
  Mul: arithmetic((c) => [c, 0]),
  Relu: clip(0, Number.POSITIVE_INFINITY),
  Relu6: clip(0, 6),
  // Early versions of Keras write relu6 as min(relu(x), 6).
  Minimum: bound((high) => ({ low: Number.NEGATIVE_INFINITY, high })),
  Maximum: bound((low) => ({ low, high: Number.POSITIVE_INFINITY })),
  Pad: pad,
  PadV2: pad,
  AvgPool: averagePool,
  Mean: mean,
  Reshape: reshape,
  Squeeze: (node) => ({ from: inputOf(node, 0), body: { kind: 'flatten', channels: undefined } }),
  MatMul: matMul,
  Softmax: (node) => ({ from: inputOf(node, 0), body: { kind: 'softmax' } }),
};

function inputOf(node: GraphNode, index: number): NodeName {
  const name = node.input[index];
  if (name === undefined) throw refuse(node, `it has ${node.input.length} inputs`);
  return name;
}

function constantOf(node: GraphNode, index: number, constants: Constants): Constant {
  const name = inputOf(node, index);
  const constant = constants.of(name);
  if (!constant) throw refuse(node, `its input ${name} is no constant: is the graph frozen?`);
  return constant;
}

function requireNhwc(node: GraphNode): void {
  const layout = text(node.attr.data_format?.s) || 'NHWC';
  if (layout !== 'NHWC') throw refuse(node, `its layout is ${layout}; export the graph for NHWC`);
}

function stridesOf(node: GraphNode): Strides {
  const [, down = 1, across = 1] = node.attr.strides?.list?.i ?? [];
  if (down < 1 || across < 1) throw refuse(node, `its strides are ${down} and ${across}`);
  return [down, across];
}

function paddingOf(node: GraphNode): 'SAME' | 'VALID' | Pads {
  const padding = text(node.attr.padding?.s);
  if (padding === 'EXPLICIT') return padsFrom(node, node.attr.explicit_paddings?.list?.i ?? []);
  if (padding !== 'SAME' && padding !== 'VALID') throw refuse(node, `its padding is "${padding}"`);
  return padding;
}

/** @param amounts before and after each of batch, height, width, channels */
function padsFrom(node: GraphNode, amounts: ArrayLike<number>): Pads {
  const [n0, n1, top = 0, bottom = 0, left = 0, right = 0, c0, c1] = Array.from(amounts);
  if (amounts.length !== 8 || n0 || n1 || c0 || c1)
    throw refuse(node, 'it pads other axes than height and width');
  return { top, bottom, left, right };
}

function transposed({ shape: [rows = 0, columns = 0], values }: Constant): Constant {
  const turned = new Float64Array(values.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) turned[c * rows + r] = values[r * columns + c] ?? 0;
  return { shape: [columns, rows], values: turned };
}

const text = (bytes: Uint8Array | undefined) => (bytes ? Buffer.from(bytes).toString('latin1') : '');
