import protobuf from 'protobufjs';
import { z } from 'zod';
import { createError } from '../../errors/errors.js';

/**
 * The part of TensorFlow's graph.proto, node_def.proto, attr_value.proto, tensor.proto and tensor_shape.proto that
 * inference needs.
 */
const schema = protobuf.parse(`
  syntax = "proto3";
  message GraphDef { repeated NodeDef node = 1; }
  message NodeDef { string name = 1; string op = 2; repeated string input = 3; map<string, AttrValue> attr = 5; }
  message AttrValue { ListValue list = 1; bytes s = 2; float f = 4; bool b = 5; TensorProto tensor = 8; }
  message ListValue { repeated int64 i = 3; }
  message TensorProto {
    int32 dtype = 1; Shape tensor_shape = 2; bytes tensor_content = 4; repeated float float_val = 5; repeated int32 int_val = 7;
  }
  message Shape { repeated Dim dim = 2; }
  message Dim { int64 size = 1; }
`).root;

const bytes = z.instanceof(Uint8Array);
// Items are not validated: a list may hold millions of weights, and protobufjs returns only numbers.
const numbers = z.custom<readonly number[]>(Array.isArray);

const tensorProto = z.object({
  /** TensorFlow's DataType. */
  dtype: z.number().default(0),
  tensorShape: z
    .object({ dim: z.array(z.object({ size: z.number().default(0) })) })
    .default({ dim: [] })
    .transform((shape) => shape.dim.map((dim) => dim.size)),
  tensorContent: bytes.default(new Uint8Array()),
  floatVal: numbers,
  intVal: numbers,
});

const attrValue = z.object({
  list: z.object({ i: z.array(z.number()) }).optional(),
  // A value that is zero may be left out of the file, so these have defaults.
  s: bytes.default(new Uint8Array()),
  f: z.number().default(0),
  b: z.boolean().default(false),
  tensor: tensorProto.optional(),
});

export const nodeName = z.string().brand<'NodeName'>();
/** Name of a node in a graph, in TensorFlow also called name of a layer. */
export type NodeName = z.infer<typeof nodeName>;

const nodeDef = z
  .object({
    name: nodeName,
    op: z.string().default(''),
    input: z.array(z.string()),
    attr: z.record(z.string(), attrValue).default({}),
  })
  .transform(({ input, ...node }) => ({
    ...node,
    /** Names of the nodes whose first output is an input of this one. */
    input: input
      .filter((edge) => !isControl(edge))
      // `name:0` is the long form of `name`. Another port keeps its number, so it matches no node.
      .map((edge) => nodeName.parse(edge.replace(/:0$/, ''))),
    /** Names of the nodes that run before this one. They give it no data. */
    control: input.filter(isControl).map((edge) => nodeName.parse(edge.slice(1))),
  }));

const isControl = (edge: string) => edge.startsWith('^');

export type TensorProto = z.infer<typeof tensorProto>;
export type GraphNode = z.infer<typeof nodeDef>;
export type Graph = ReadonlyMap<NodeName, GraphNode>;

const graphDef = z.object({ node: z.array(nodeDef).min(1, 'it holds no nodes') });

/**
 * Reads a binary TensorFlow GraphDef.
 * @throws network_unreadable where the file is something else
 */
export function readGraphDef(file: Uint8Array): Graph {
  try {
    const type = schema.lookupType('GraphDef');
    const message = type.toObject(type.decode(file), { longs: Number, arrays: true, objects: true });
    return new Map(graphDef.parse(message).node.map((node) => [node.name, node]));
  } catch (error) {
    const problem = error instanceof z.ZodError ? error.issues[0]?.message : (error as Error).message;
    const named = 'PLAINVIEW_NETWORK (--network, --graph) must name a frozen graph';
    throw createError(
      'network_unreadable',
      { problem: `it is no TensorFlow GraphDef (${problem}): ${named}` },
      error,
    );
  }
}
