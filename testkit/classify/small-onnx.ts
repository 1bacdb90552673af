import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import protobuf from 'protobufjs';

/** The part of onnx.proto that a small graph needs. */
const model = protobuf
  .parse(`
  syntax = "proto2";
  message ModelProto { optional int64 ir_version = 1; optional GraphProto graph = 7; repeated Opset opset_import = 8; }
  message Opset { optional string domain = 1; optional int64 version = 2; }
  message GraphProto { repeated NodeProto node = 1; optional string name = 2; repeated TensorProto initializer = 5; repeated ValueInfo input = 11; repeated ValueInfo output = 12; }
  message NodeProto { repeated string input = 1; repeated string output = 2; optional string op_type = 4; repeated Attribute attribute = 5; }
  message Attribute { optional string name = 1; optional int64 i = 3; repeated int64 ints = 8; optional int32 type = 20; }
  message TensorProto { repeated int64 dims = 1; optional int32 data_type = 2; repeated float float_data = 4; repeated int64 int64_data = 7; optional string name = 8; }
  message ValueInfo { optional string name = 1; optional Type type = 2; }
  message Type { optional TensorType tensor_type = 1; }
  message TensorType { optional int32 elem_type = 1; optional Shape shape = 2; }
  message Shape { repeated Dim dim = 1; }
  message Dim { optional int64 dim_value = 1; optional string dim_param = 2; }
`)
  .root.lookupType('ModelProto');

type Axes = readonly (number | string)[];
interface SmallGraph {
  /** Op, inputs, output, and attributes. */
  nodes: readonly (readonly [string, readonly string[], string, Record<string, number | number[]>?])[];
  floats?: Record<string, readonly [dims: readonly number[], values: readonly number[]]>;
  integers?: Record<string, readonly [dims: readonly number[], values: readonly number[]]>;
  /** `x`; default: pictures of 8 × 8, as many as one likes. */
  input?: Axes;
  /** `y` */
  output?: Axes;
  opset?: number;
  description?: object;
}

/** Writes an ONNX network from `x` to `y` as no exporter that is well would. @returns its path */
export async function smallOnnx(
  folder: string,
  name: string,
  { nodes, floats = {}, integers = {}, input, output, opset = 13, description }: SmallGraph,
): Promise<string> {
  const port = (name: string, axes: Axes) => ({
    name,
    type: {
      tensorType: {
        elemType: 1,
        shape: {
          dim: axes.map((axis) => (typeof axis === 'string' ? { dimParam: axis } : { dimValue: axis })),
        },
      },
    },
  });
  const file = model
    .encode(
      model.fromObject({
        irVersion: 8,
        opsetImport: [{ domain: '', version: opset }],
        graph: {
          name,
          node: nodes.map(([opType, inputs, made, attributes = {}]) => ({
            opType,
            input: inputs,
            output: [made],
            attribute: Object.entries(attributes).map(([key, value]) =>
              Array.isArray(value) ? { name: key, ints: value, type: 7 } : { name: key, i: value, type: 2 },
            ),
          })),
          initializer: [
            ...Object.entries(floats).map(([name, [dims, floatData]]) => ({
              name,
              dims,
              dataType: 1,
              floatData,
            })),
            ...Object.entries(integers).map(([name, [dims, int64Data]]) => ({
              name,
              dims,
              dataType: 7,
              int64Data,
            })),
          ],
          input: [port('x', input ?? ['N', 1, 8, 8])],
          output: [port('y', output ?? ['N', 3])],
        },
      }),
    )
    .finish();
  const graph = join(folder, `${name}.onnx`);
  await writeFile(graph, file);
  await writeFile(
    join(folder, `${name}.json`),
    JSON.stringify({ input: { resize: 'squash' }, categories: ['bright', 'dark', 'other'], ...description }),
  );
  return graph;
}
