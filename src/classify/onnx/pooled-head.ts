import protobuf from 'protobufjs';

/** The part of onnx.proto that is read here. */
const schema = protobuf.parse(`
  syntax = "proto2";
  message ModelProto { optional GraphProto graph = 7; }
  message GraphProto { repeated NodeProto node = 1; repeated TensorProto initializer = 5; repeated ValueInfo output = 12; }
  message NodeProto { repeated string input = 1; repeated string output = 2; optional string op_type = 4; repeated Attribute attribute = 5; }
  message Attribute { optional string name = 1; optional float f = 2; optional int64 i = 3; optional TensorProto t = 5; repeated int64 ints = 8; }
  message TensorProto { repeated int64 dims = 1; optional int32 data_type = 2; repeated float float_data = 4; repeated int64 int64_data = 7; optional string name = 8; optional bytes raw_data = 9; }
  message ValueInfo { optional string name = 1; }
`).root;
const modelType = schema.lookupType('ModelProto');

interface Tensor {
  dims: number[];
  dataType: number;
  floatData: number[];
  int64Data: number[];
  name: string;
  rawData: Uint8Array;
}
interface Attribute {
  name: string;
  f: number;
  i: number;
  t?: Tensor;
  ints: number[];
}
interface Node {
  input: string[];
  output: string[];
  opType: string;
  attribute: Attribute[];
}

// TensorProto.DataType
const float = 1;
const int64 = 7;

/** A graph that ends in average over the picture → fully connected layer. */
export interface PooledHead {
  /** What is averaged: [N, channels, rows, columns], or for NHWC [N, rows, columns, channels]. */
  readonly features: string;
  readonly layout: 'NCHW' | 'NHWC';
  readonly inputs: number;
  readonly outputs: number;
  /** [inputs, outputs] */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

/**
 * Finds the average and the last layer of an ONNX graph. It goes by the ops alone: whoever uses them must compare what
 * they give with the scores.
 * @returns undefined where the graph ends otherwise
 */
export function pooledHeadOf(file: Uint8Array, output: string): PooledHead | undefined {
  const { graph } = modelType.toObject(modelType.decode(file), { longs: Number, arrays: true }) as {
    graph?: { node: Node[]; initializer: Tensor[] };
  };
  if (graph === undefined) return undefined;
  const makers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const tensors = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const constantOf = (name = ''): Tensor | undefined => {
    const node = makers.get(name);
    return tensors.get(name) ?? (node?.opType === 'Constant' ? node.attribute[0]?.t : undefined);
  };
  /** The node that makes a tensor, beyond those that change no value. */
  const behind = (name: string | undefined, passed: readonly string[]): Node | undefined => {
    let node = makers.get(name ?? '');
    while (node !== undefined && passed.includes(node.opType)) node = makers.get(node.input[0] ?? '');
    return node;
  };
  const last = behind(output, ['Softmax', 'Identity', 'Dropout']);
  const dense = last && denseOf(last, constantOf, (name) => behind(name, ['Identity']));
  if (dense === undefined) return undefined;
  const pool = behind(dense.from, ['Flatten', 'Squeeze', 'Reshape', 'Identity', 'Dropout']);
  const layout = pool && layoutOf(pool, constantOf);
  const features = pool?.input[0];
  if (layout === undefined || features === undefined) return undefined;
  const { weights, bias, inputs, outputs } = dense;
  return { features, layout, weights, bias, inputs, outputs };
}

/** The same graph with one more output. Protobuf merges messages that follow each other. */
export function withOutput(file: Uint8Array, name: string): Uint8Array {
  const more = modelType.encode(modelType.fromObject({ graph: { output: [{ name }] } })).finish();
  return Buffer.concat([file, more]);
}

type ConstantOf = (name: string | undefined) => Tensor | undefined;
type Dense = Omit<PooledHead, 'features' | 'layout'> & { from: string | undefined };

/** Gemm, or MatMul with or without Add. */
function denseOf(
  node: Node,
  constantOf: ConstantOf,
  behind: (name: string) => Node | undefined,
): Dense | undefined {
  if (node.opType === 'Gemm') {
    const number = (name: string, otherwise: number) => {
      const attribute = node.attribute.find((each) => each.name === name);
      return attribute === undefined ? otherwise : attribute.f || attribute.i || 0;
    };
    if (number('alpha', 1) !== 1 || number('beta', 1) !== 1 || number('transA', 0) !== 0) return undefined;
    return layerOf(
      node.input[0],
      constantOf(node.input[1]),
      constantOf(node.input[2]),
      number('transB', 0) !== 0,
    );
  }
  if (node.opType === 'MatMul') return layerOf(node.input[0], constantOf(node.input[1]), undefined, false);
  if (node.opType !== 'Add') return undefined;
  const [first = '', second = ''] = node.input;
  const [from, bias] = constantOf(second) === undefined ? [second, first] : [first, second];
  const product = behind(from);
  if (product?.opType !== 'MatMul') return undefined;
  return layerOf(product.input[0], constantOf(product.input[1]), constantOf(bias), false);
}

function layerOf(
  from: string | undefined,
  matrix: Tensor | undefined,
  offset: Tensor | undefined,
  isTransposed: boolean,
): Dense | undefined {
  const values = matrix && floatsOf(matrix);
  const [a, b, ...more] = matrix?.dims ?? [];
  if (values === undefined || a === undefined || b === undefined || more.length > 0) return undefined;
  const [inputs, outputs] = isTransposed ? [b, a] : [a, b];
  const bias = offset === undefined ? new Float32Array(outputs) : floatsOf(offset);
  if (bias?.length !== outputs || values.length !== inputs * outputs) return undefined;
  const weights = isTransposed
    ? Float32Array.from(values, (_, i) => values[(i % outputs) * inputs + Math.floor(i / outputs)] ?? 0)
    : values;
  return { from, inputs, outputs, weights, bias };
}

/** @returns undefined where this is no average over the picture */
function layoutOf(pool: Node, constantOf: ConstantOf): PooledHead['layout'] | undefined {
  if (pool.opType === 'GlobalAveragePool') return 'NCHW';
  if (pool.opType !== 'ReduceMean') return undefined;
  const given = constantOf(pool.input[1]);
  const axes =
    given === undefined ? pool.attribute.find(({ name }) => name === 'axes')?.ints : integersOf(given);
  const sorted = axes
    ?.map((axis) => (axis < 0 ? axis + 4 : axis))
    .sort()
    .join();
  return sorted === '2,3' ? 'NCHW' : sorted === '1,2' ? 'NHWC' : undefined;
}

function floatsOf({ dataType, floatData, rawData = new Uint8Array() }: Tensor): Float32Array | undefined {
  if (dataType !== float) return undefined;
  // The bytes start anywhere in the file, and those of a typed array at a multiple of four. So they are copied.
  return rawData.length > 0 ? new Float32Array(new Uint8Array(rawData).buffer) : Float32Array.from(floatData);
}

function integersOf({ dataType, int64Data, rawData = new Uint8Array() }: Tensor): number[] | undefined {
  if (dataType !== int64) return undefined;
  return rawData.length > 0
    ? Array.from(new BigInt64Array(new Uint8Array(rawData).buffer), Number)
    : int64Data;
}
