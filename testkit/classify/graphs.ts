import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import { z } from 'zod';

const folder = new URL('../golden/', import.meta.url);

/** TensorFlow's scores of the golden graphs, for the pictures of seed 1 and 2. */
export const golden = z
  .object({
    tensorflow: z.string(),
    size: z.number(),
    scores: z.record(z.string(), z.array(z.array(z.number()))),
  })
  .parse(JSON.parse(readFileSync(new URL('networks.json', folder), 'utf8')));

export const goldenSize = { height: golden.size, width: golden.size };

export const goldenGraph = (name: string): Buffer => readFileSync(new URL(`networks/${name}.pb`, folder));

/** The same picture as in make_networks.py. @returns [height, width, 3] */
export const goldenPicture = (seed: number): Float32Array =>
  Float32Array.from(
    { length: golden.size * golden.size * 3 },
    (_, i) => (((i * i * 31 + i * seed * 17 + seed) % 255) - 127) / 128,
  );

/** The part of graph.proto that tests change. protobufjs drops fields that are not listed. */
const schema = protobuf.parse(`
  syntax = "proto3";
  message GraphDef { repeated NodeDef node = 1; }
  message NodeDef { string name = 1; string op = 2; repeated string input = 3; map<string, AttrValue> attr = 5; }
  message AttrValue {
    oneof value { ListValue list = 1; bytes s = 2; int64 i = 3; float f = 4; bool b = 5; int32 type = 6; Shape shape = 7; TensorProto tensor = 8; }
  }
  message ListValue { repeated int64 i = 3; }
  message TensorProto { int32 dtype = 1; Shape tensor_shape = 2; bytes tensor_content = 4; repeated float float_val = 5; repeated int32 int_val = 7; }
  message Shape { repeated Dim dim = 2; }
  message Dim { int64 size = 1; }
`).root;
const graphDef = schema.lookupType('GraphDef');

export interface Tensor {
  dtype?: number;
  tensorShape?: { dim: { size: number }[] };
  tensorContent?: Uint8Array;
  floatVal?: number[];
}
export interface Attribute {
  list?: { i: number[] };
  s?: Uint8Array;
  f?: number;
  b?: boolean;
  tensor?: Tensor;
}
export interface Node {
  name: string;
  op: string;
  input: string[];
  attr: Record<string, Attribute>;
}

/** A golden graph with changed nodes, as a file. */
export function edited(name: string, change: (nodes: Node[]) => void): Uint8Array {
  const graph = graphDef.toObject(graphDef.decode(goldenGraph(name)), {
    longs: Number,
    arrays: true,
    objects: true,
  }) as { node: Node[] };
  change(graph.node);
  return graphDef.encode(graphDef.fromObject(graph)).finish();
}

export const bytes = (text: string): Uint8Array => Buffer.from(text);

/** @throws where no node passes the test */
export function find(nodes: readonly Node[], test: (node: Node) => boolean): Node {
  const node = nodes.find(test);
  if (!node) throw new Error('the golden graph has no such node');
  return node;
}
