import { createError } from '../../errors/errors.js';
import { delimited, fixed32, Reader, readFields, readInt64, readMessage, varint } from './wire.js';

// The part of TensorFlow's graph.proto, node_def.proto, attr_value.proto, tensor.proto and tensor_shape.proto that inference
// needs. A value that is zero may be left out of the file.

export interface TensorProto {
  /** TensorFlow's DataType. */
  dtype: number;
  readonly tensorShape: number[];
  tensorContent: Uint8Array;
  readonly floatVal: number[];
  readonly intVal: number[];
}

interface AttrValue {
  list?: { readonly i: number[] };
  s: Uint8Array;
  f: number;
  b: boolean;
  tensor?: TensorProto;
}

/** Name of a node in a graph, in TensorFlow also called name of a layer. */
export type NodeName = string & { readonly brand: 'NodeName' };
export const nodeName = (text: string) => text as NodeName;

export interface GraphNode {
  readonly name: NodeName;
  readonly op: string;
  /** Names of the nodes whose first output is an input of this one. */
  readonly input: readonly NodeName[];
  /** Names of the nodes that run before this one. They give it no data. */
  readonly control: readonly NodeName[];
  readonly attr: Readonly<Record<string, AttrValue | undefined>>;
}

export type Graph = ReadonlyMap<NodeName, GraphNode>;

/**
 * Reads a binary TensorFlow GraphDef.
 * @throws network_unreadable where the file is something else
 */
export function readGraphDef(file: Uint8Array): Graph {
  try {
    const reader = Reader.create(file);
    const nodes: GraphNode[] = [];
    readFields(reader, reader.len, { [delimited(1)]: () => nodes.push(readNode(reader)) });
    if (nodes.length === 0) throw new Error('it holds no nodes');
    return new Map(nodes.map((node) => [node.name, node]));
  } catch (error) {
    const named = 'PLAINVIEW_NETWORK (--network, --graph) must name a frozen graph';
    throw createError(
      'network_unreadable',
      { problem: `it is no TensorFlow GraphDef (${(error as Error).message}): ${named}` },
      error,
    );
  }
}

function readNode(reader: Reader): GraphNode {
  let [name, op] = ['', ''];
  const edges: string[] = [];
  const attr: [string, AttrValue][] = [];
  readMessage(reader, {
    [delimited(1)]: () => {
      name = reader.stringVerify();
    },
    [delimited(2)]: () => {
      op = reader.stringVerify();
    },
    [delimited(3)]: () => edges.push(reader.stringVerify()),
    [delimited(5)]: () => attr.push(readAttribute(reader)),
  });
  if (name === '') throw new Error('a node has no name');
  return {
    name: nodeName(name),
    op,
    // `name:0` is the long form of `name`. Another port keeps its number, so it matches no node.
    input: edges.filter((edge) => !isControl(edge)).map((edge) => nodeName(edge.replace(/:0$/, ''))),
    control: edges.filter(isControl).map((edge) => nodeName(edge.slice(1))),
    attr: Object.fromEntries(attr),
  };
}

const isControl = (edge: string) => edge.startsWith('^');

/** An entry of the map of attributes. */
function readAttribute(reader: Reader): [string, AttrValue] {
  let key = '';
  const value: AttrValue = { s: new Uint8Array(), f: 0, b: false };
  readMessage(reader, {
    [delimited(1)]: () => {
      key = reader.stringVerify();
    },
    [delimited(2)]: () => readValue(reader, value),
  });
  return [key, value];
}

function readValue(reader: Reader, value: AttrValue): void {
  readMessage(reader, {
    [delimited(1)]: () => {
      value.list = { i: readList(reader) };
    },
    [delimited(2)]: () => {
      value.s = reader.bytes();
    },
    [fixed32(4)]: () => {
      value.f = reader.float();
    },
    [varint(5)]: () => {
      value.b = reader.bool();
    },
    [delimited(8)]: () => {
      value.tensor = readTensor(reader);
    },
  });
}

/** The integers of a list, which are written together or one by one. */
function readList(reader: Reader): number[] {
  const integers: number[] = [];
  readMessage(reader, {
    [delimited(3)]: () => {
      for (const value of reader.int64s()) integers.push(Number(value));
    },
    [varint(3)]: () => integers.push(readInt64(reader)),
  });
  return integers;
}

function readTensor(reader: Reader): TensorProto {
  const tensor: TensorProto = {
    dtype: 0,
    tensorShape: [],
    tensorContent: new Uint8Array(),
    floatVal: [],
    intVal: [],
  };
  readMessage(reader, {
    [varint(1)]: () => {
      tensor.dtype = reader.int32();
    },
    [delimited(2)]: () =>
      readMessage(reader, { [delimited(2)]: () => tensor.tensorShape.push(readDimension(reader)) }),
    [delimited(4)]: () => {
      tensor.tensorContent = reader.bytes();
    },
    [delimited(5)]: () => reader.floats(tensor.floatVal),
    [fixed32(5)]: () => tensor.floatVal.push(reader.float()),
    [delimited(7)]: () => reader.int32s(tensor.intVal),
    [varint(7)]: () => tensor.intVal.push(reader.int32()),
  });
  return tensor;
}

function readDimension(reader: Reader): number {
  let size = 0;
  readMessage(reader, {
    [varint(1)]: () => {
      size = readInt64(reader);
    },
  });
  return size;
}
