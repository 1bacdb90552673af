import protobuf from 'protobufjs';
import { createError } from '../../errors/errors.js';
import { Constants } from './constants.js';
import { type Graph, type NodeName, nodeName, readGraphDef } from './graphdef.js';
import type { Layers } from './layers.js';
import { readOp } from './ops.js';
import { walk } from './walk.js';

/** The part of TensorFlow's protocol buffers that the new nodes need. */
const schema = protobuf.parse(`
  syntax = "proto3";
  message NodeDef { string name = 1; string op = 2; repeated string input = 3; map<string, AttrValue> attr = 5; }
  message AttrValue { oneof value { bool b = 5; int32 type = 6; TensorProto tensor = 8; } }
  message TensorProto { int32 dtype = 1; Shape tensor_shape = 2; bytes tensor_content = 4; }
  message Shape { repeated Dim dim = 2; }
  message Dim { int64 size = 1; }
`).root;
const nodeDef = schema.lookupType('NodeDef');

// Of TensorFlow's DataType (types.proto), and the number of GraphDef's field `node`.
const dtFloat = 1;
const dtInt32 = 3;
const nodeField = 1;

export interface LastLayer {
  readonly inputs: number;
  readonly outputs: number;
  /** [inputs, outputs] */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

/**
 * A frozen graph with another last layer, which may have another number of outputs. All nodes before it are copied byte
 * by byte; those that nothing uses any more are left out. The new layer is what NNCPR's form has: reshape, matrix
 * product, bias, softmax.
 * @param file a graph of the MobileNet v1 family
 * @throws network_…
 */
export function replaceLastLayer(file: Uint8Array, layers: Layers, layer: LastLayer): Uint8Array {
  const graph = readGraphDef(file);
  const input = nodeName(layers.inputLayer);
  const from = inputOfLastLayer(graph, layers);
  const kept = ancestors(graph, from).add(input);
  if (kept.has(nodeName(layers.outputLayer)))
    throw createError('network_layer', {
      layer: layers.outputLayer,
      problem: 'it comes before the last layer',
    });
  const unused = (name: string): string => (kept.has(nodeName(name)) ? unused(`${name}_1`) : name);
  const [shape, features, weights, product, bias, sum] = [
    'features/shape',
    'features',
    'weights',
    'MatMul',
    'biases',
    'BiasAdd',
  ].map((name) => unused(`final/${name}`)) as [string, string, string, string, string, string];
  const { inputs, outputs } = layer;
  const added = [
    constant(shape, dtInt32, [2], Int32Array.of(-1, inputs)),
    { name: features, op: 'Reshape', input: [from, shape], attr: { T: float, Tshape: { type: dtInt32 } } },
    constant(weights, dtFloat, [inputs, outputs], layer.weights),
    {
      name: product,
      op: 'MatMul',
      input: [features, weights],
      attr: { T: float, transpose_a: { b: false }, transpose_b: { b: false } },
    },
    constant(bias, dtFloat, [outputs], layer.bias),
    { name: sum, op: 'BiasAdd', input: [product, bias], attr: { T: float } },
    { name: layers.outputLayer, op: 'Softmax', input: [sum], attr: { T: float } },
  ];
  const writer = protobuf.Writer.create();
  for (const node of added)
    writer.uint32((nodeField << 3) | 2).bytes(nodeDef.encode(nodeDef.fromObject(node)).finish());
  return Buffer.concat([...keptParts(file, kept), writer.finish()]);
}

const float = { type: dtFloat };

const constant = (
  name: string,
  dtype: number,
  dims: readonly number[],
  values: Float32Array | Int32Array,
) => ({
  name,
  op: 'Const',
  input: [],
  attr: {
    dtype: { type: dtype },
    value: {
      tensor: {
        dtype,
        tensorShape: { dim: dims.map((size) => ({ size })) },
        tensorContent: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      },
    },
  },
});

/** The node before the last fully connected layer, and before what only changes the shape for it. */
function inputOfLastLayer(graph: Graph, layers: Layers): NodeName {
  const steps = walk(graph, layers);
  const last = steps.findLast(({ kind }) => kind === 'dense' || kind === 'conv');
  const constants = new Constants(graph);
  const before = (name: NodeName) => {
    const node = graph.get(name);
    return node === undefined ? undefined : readOp(node, constants);
  };
  let from = last && before(last.node)?.from;
  for (let op = from && before(from); op !== undefined; op = from && before(from)) {
    if (op.body !== undefined && op.body.kind !== 'flatten') break;
    from = op.from;
  }
  if (from === undefined)
    throw createError('network_layer', { layer: layers.outputLayer, problem: 'no layer comes before it' });
  return from;
}

/** A node and all that it needs, by data and by control edges. */
function ancestors(graph: Graph, from: NodeName): Set<NodeName> {
  const found = new Set<NodeName>();
  for (const names = [from]; names.length > 0; ) {
    const name = names.pop();
    if (name === undefined || found.has(name)) continue;
    found.add(name);
    const node = graph.get(name);
    const inputs = (node?.input ?? []).map((edge) => nodeName(edge.replace(/:\d+$/, '')));
    names.push(...inputs, ...(node?.control ?? []));
  }
  return found;
}

/** The bytes of the file's fields, without the nodes that are not kept. */
function keptParts(file: Uint8Array, kept: ReadonlySet<string>): Uint8Array[] {
  const reader = protobuf.Reader.create(file);
  const parts: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    if (tag >>> 3 === nodeField) {
      const { name } = nodeDef.decode(reader.bytes()) as protobuf.Message & { name?: string };
      if (!kept.has(name ?? '')) continue;
    } else reader.skipType(tag & 7);
    parts.push(file.subarray(start, reader.pos));
  }
  return parts;
}
