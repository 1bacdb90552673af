import protobuf from 'protobufjs';
import { type Activation, type Chain, type ConvLayer, channelsOf, type DenseLayer } from './chain.js';
import { featureMapsName, inputName, scoresName } from './ports.js';
import { type Grid, gridsOf, type PictureRange, quantise } from './quantise.js';

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

// onnx.proto's TensorProto.DataType, and AttributeProto.AttributeType.
const float = 1;
const types = new Map<unknown, number>([
  [Float32Array, float],
  [Uint8Array, 2],
  [Int8Array, 3],
  [Int32Array, 6],
]);
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
  return finished(writer, chain, last);
}

/**
 * The same with convolutions in integers of 8 bits, as QuantizeLinear and DequantizeLinear between them. What follows the
 * last convolution is float32.
 * @throws int8_unavailable where the network has convolutions without relu6
 */
export function toInt8Onnx(chain: Chain, range: PictureRange): Uint8Array {
  const writer = new Writer();
  const { picture, layers } = gridsOf(chain, range);
  let last = writer.onGrid(writer.node('Transpose', [inputName], { perm: [0, 3, 1, 2] }), picture);
  for (const [i, layer] of chain.features.entries())
    last = writer.onGrid(writer.int8Convolution(last, layer, i === 0 ? picture : layers), layers);
  return finished(writer, chain, last);
}

/** Adds what follows the last convolution. */
function finished(writer: Writer, chain: Chain, features: string): Uint8Array {
  let last = features;
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
    const name = `Conv/${this.#nodes.length}`;
    // [height, width, inputs, last] → [outputs, inputs of a group, height, width]: onnxruntime does it once, when it loads.
    const dims = layer.kind === 'conv' ? layer.shape : [height, width, 1, inputs * last];
    this.#constant(`${name}/weights`, layer.kernel, dims);
    this.node('Transpose', [`${name}/weights`], { perm: [3, 2, 0, 1] }, `${name}/kernel`);
    this.#constant(`${name}/bias`, layer.bias, [layer.bias.length]);
    return this.#activate(this.#conv([input, `${name}/kernel`, `${name}/bias`], layer), layer.activation);
  }

  /** Rounds to a grid, and limits to its ends. onnxruntime fuses it with the convolutions before and after it. */
  onGrid(input: string, { scale, zero }: Grid): string {
    const name = `Grid/${this.#nodes.length}`;
    this.#constant(`${name}/scale`, Float32Array.of(scale), []);
    this.#constant(`${name}/zero`, Uint8Array.of(zero), []);
    const grid = [`${name}/scale`, `${name}/zero`];
    return this.node('DequantizeLinear', [this.node('QuantizeLinear', [input, ...grid]), ...grid]);
  }

  /** Its activation is the grid that follows. @param grid of its input */
  int8Convolution(input: string, layer: ConvLayer, grid: Grid): string {
    const [height, width, inputs] = layer.shape;
    const name = `Conv/${this.#nodes.length}`;
    const { weights, scales, bias, biasScales } = quantise(layer, grid);
    const outputs = bias.length;
    const integers = (what: string, values: Int8Array | Int32Array, dims: number[], steps: Float32Array) => {
      this.#constant(`${name}/${what}`, values, dims);
      this.#constant(`${name}/${what}/scales`, steps, [outputs]);
      return this.node('DequantizeLinear', [`${name}/${what}`, `${name}/${what}/scales`], { axis: 0 });
    };
    const dims = [outputs, layer.kind === 'conv' ? inputs : 1, height, width];
    const kernel = integers('weights', weights, dims, scales);
    return this.#conv([input, kernel, integers('bias', bias, [outputs], biasScales)], layer);
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

  #conv(input: string[], { kind, shape: [height, width, inputs], strides, pads }: ConvLayer): string {
    const { top, left, bottom, right } = pads;
    return this.node('Conv', input, {
      kernel_shape: [height, width],
      strides: [...strides],
      pads: [top, left, bottom, right],
      group: kind === 'conv' ? 1 : inputs,
    });
  }

  #activate(input: string, activation: Activation): string {
    if (activation === 'linear') return input;
    return activation === 'relu' ? this.node('Relu', [input]) : this.node('Clip', [input, 'zero', 'six']);
  }

  #constant(
    name: string,
    values: Float32Array | Int8Array | Uint8Array | Int32Array,
    dims: readonly number[],
  ): void {
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.#initializers.push({ name, dims, dataType: types.get(values.constructor), rawData });
  }
}
