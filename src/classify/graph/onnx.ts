import protobuf from 'protobufjs';
import { type Activation, type Chain, type ConvLayer, channelsOf, type DenseLayer } from './chain.js';
import { featureMapsName, inputName, scoresName } from './ports.js';

/** The part of onnx.proto that `toOnnx` writes. */
const schema = protobuf.parse(`
  syntax = "proto2";
  message ModelProto { optional int64 ir_version = 1; optional string producer_name = 2; optional GraphProto graph = 7; repeated OperatorSet opset_import = 8; }
  message OperatorSet { optional string domain = 1; optional int64 version = 2; }
  message GraphProto { repeated NodeProto node = 1; optional string name = 2; repeated TensorProto initializer = 5; repeated ValueInfo input = 11; repeated ValueInfo output = 12; }
  message NodeProto { repeated string input = 1; repeated string output = 2; optional string name = 3; optional string op_type = 4; repeated Attribute attribute = 5; }
  message Attribute { optional string name = 1; optional int64 i = 3; repeated int64 ints = 8; optional int32 type = 20; }
  message TensorProto { repeated int64 dims = 1; optional int32 data_type = 2; optional string name = 8; optional bytes raw_data = 9; }
  message ValueInfo { optional string name = 1; optional Type type = 2; }
  message Type { optional TensorType tensor_type = 1; }
  message TensorType { optional int32 elem_type = 1; optional Shape shape = 2; }
  message Shape { repeated Dimension dim = 1; }
  message Dimension { optional int64 dim_value = 1; optional string dim_param = 2; }
`).root;

// onnx.proto's TensorProto.DataType and AttributeProto.AttributeType.
const float = 1;
const attributeInt = 2;
const attributeInts = 7;

/**
 * Writes a chain as ONNX (opset 13), for onnxruntime. Its input has TensorFlow's layout, [N, H, W, 3].
 * N, H and W stay open, because the self-test uses small pictures.
 */
export function toOnnx(chain: Chain): Uint8Array {
  const writer = new Writer();
  let last = writer.node('Transpose', [inputName], { perm: [0, 3, 1, 2] });
  for (const layer of chain.features) last = writer.convolution(last, layer);
  writer.node('Transpose', [last], { perm: [0, 2, 3, 1] }, featureMapsName);
  last = writer.node('GlobalAveragePool', [last]);
  last = writer.node('Flatten', [last]);
  for (const layer of chain.head) last = writer.dense(last, layer);
  writer.node('Softmax', [last], { axis: 1 }, scoresName);
  return writer.finish({
    [scoresName]: ['N', chain.classes],
    [featureMapsName]: ['N', 'rows', 'columns', channelsOf(chain)],
  });
}

class Writer {
  readonly #nodes: object[] = [];
  readonly #initializers: object[] = [];

  constructor() {
    this.#constant('zero', Float32Array.of(0), []);
    this.#constant('six', Float32Array.of(6), []);
  }

  /** @returns the name of the result */
  node(
    opType: string,
    input: string[],
    attributes: Record<string, number | number[]> = {},
    output = `${opType}/${this.#nodes.length}`,
  ): string {
    const attribute = Object.entries(attributes).map(([name, value]) =>
      Array.isArray(value)
        ? { name, ints: value, type: attributeInts }
        : { name, i: value, type: attributeInt },
    );
    this.#nodes.push({ name: output, opType, input, output: [output], attribute });
    return output;
  }

  convolution(input: string, layer: ConvLayer): string {
    const [height, width, inputs, last] = layer.shape;
    const isConv = layer.kind === 'conv';
    const name = `Conv/${this.#nodes.length}`;
    // [height, width, inputs, last] → [outputs, inputs of a group, height, width]: onnxruntime does it once, when it loads.
    const dims = isConv ? layer.shape : [height, width, 1, inputs * last];
    this.#constant(`${name}/weights`, layer.kernel, dims);
    this.node('Transpose', [`${name}/weights`], { perm: [3, 2, 0, 1] }, `${name}/kernel`);
    this.#constant(`${name}/bias`, layer.bias, [layer.bias.length]);
    const { top, left, bottom, right } = layer.pads;
    const output = this.node('Conv', [input, `${name}/kernel`, `${name}/bias`], {
      kernel_shape: [height, width],
      strides: [...layer.strides],
      pads: [top, left, bottom, right],
      group: isConv ? 1 : inputs,
    });
    return this.#activate(output, layer.activation);
  }

  dense(input: string, layer: DenseLayer): string {
    const name = `Gemm/${this.#nodes.length}`;
    this.#constant(`${name}/weights`, layer.weights, [layer.inputs, layer.outputs]);
    this.#constant(`${name}/bias`, layer.bias, [layer.outputs]);
    return this.#activate(this.node('Gemm', [input, `${name}/weights`, `${name}/bias`]), layer.activation);
  }

  finish(outputs: Record<string, (string | number)[]>): Uint8Array {
    const type = schema.lookupType('ModelProto');
    const value = (name: string, dims: (string | number)[]) => ({
      name,
      type: {
        tensorType: {
          elemType: float,
          shape: {
            dim: dims.map((dim) => (typeof dim === 'string' ? { dimParam: dim } : { dimValue: dim })),
          },
        },
      },
    });
    const model = {
      irVersion: 8,
      producerName: 'plainview',
      opsetImport: [{ domain: '', version: 13 }],
      graph: {
        name: 'network',
        node: this.#nodes,
        initializer: this.#initializers,
        input: [value(inputName, ['N', 'H', 'W', 3])],
        output: Object.entries(outputs).map(([name, dims]) => value(name, dims)),
      },
    };
    return type.encode(type.fromObject(model)).finish();
  }

  #activate(input: string, activation: Activation): string {
    if (activation === 'linear') return input;
    return activation === 'relu' ? this.node('Relu', [input]) : this.node('Clip', [input, 'zero', 'six']);
  }

  #constant(name: string, values: Float32Array, dims: readonly number[]): void {
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.#initializers.push({ name, dims, dataType: float, rawData });
  }
}
