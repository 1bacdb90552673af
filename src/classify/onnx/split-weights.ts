import protobuf from 'protobufjs';

/** Of onnx.proto, where each tensor is. All else is skipped unread: weights can be large, and a network is to start fast. */
const modelType = protobuf
  .parse(`
  syntax = "proto2";
  message ModelProto { optional GraphProto graph = 7; }
  message GraphProto { repeated TensorProto initializer = 5; }
  message TensorProto { optional int32 data_location = 14; }
`)
  .root.lookupType('ModelProto');

/** TensorProto.DataLocation */
const external = 1;

/**
 * Whether weights are in another file. onnxruntime would look for it in the working directory.
 * @returns false where the file is no ONNX, which onnxruntime tells better
 */
export function hasWeightsElsewhere(file: Uint8Array): boolean {
  try {
    const { graph } = modelType.decode(file) as { graph?: { initializer: { dataLocation?: number }[] } };
    return graph?.initializer.some(({ dataLocation }) => dataLocation === external) ?? false;
  } catch {
    return false;
  }
}
