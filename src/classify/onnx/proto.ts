import protobuf from 'protobufjs';

/** The part of onnx.proto that is read here. */
const schema = protobuf.parse(`
  syntax = "proto2";
  message ModelProto { optional GraphProto graph = 7; }
  message GraphProto { repeated NodeProto node = 1; repeated TensorProto initializer = 5; repeated ValueInfo output = 12; }
  message NodeProto { repeated string input = 1; repeated string output = 2; optional string op_type = 4; repeated Attribute attribute = 5; }
  message Attribute { optional string name = 1; optional float f = 2; optional int64 i = 3; optional TensorProto t = 5; repeated int64 ints = 8; }
  message TensorProto { repeated int64 dims = 1; optional int32 data_type = 2; repeated float float_data = 4; repeated int64 int64_data = 7; optional string name = 8; optional bytes raw_data = 9; optional int32 data_location = 14; }
  message ValueInfo { optional string name = 1; }
`).root;
export const modelType = schema.lookupType('ModelProto');

export interface Tensor {
  dims: number[];
  dataType: number;
  floatData: number[];
  int64Data: number[];
  name: string;
  rawData: Uint8Array;
  /** TensorProto.DataLocation */
  dataLocation?: number;
}
interface Attribute {
  name: string;
  f: number;
  i: number;
  t?: Tensor;
  ints: number[];
}
export interface Node {
  input: string[];
  output: string[];
  opType: string;
  attribute: Attribute[];
}

/** TensorProto.DataLocation */
const external = 1;

interface Graph {
  node: Node[];
  initializer: Tensor[];
}

/** @throws an Error of protobufjs where the file is no ONNX */
export function graphOf(file: Uint8Array): Graph | undefined {
  return (modelType.toObject(modelType.decode(file), { longs: Number, arrays: true }) as { graph?: Graph })
    .graph;
}

/**
 * Whether weights are in another file. onnxruntime would look for it in the working directory.
 * @returns false where the file is no ONNX, which onnxruntime tells better
 */
export function hasWeightsElsewhere(file: Uint8Array): boolean {
  try {
    return graphOf(file)?.initializer.some(({ dataLocation }) => dataLocation === external) ?? false;
  } catch {
    return false;
  }
}
