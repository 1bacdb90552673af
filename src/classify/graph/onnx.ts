import { type Activation, type Chain, type ConvLayer, channelsOf, type DenseLayer } from './chain.js';
import { featureMapsName, inputName, scoresName } from './ports.js';
import { type Grid, gridsOf, type PictureRange, quantise } from './quantise.js';
import { type Fields, type Message, Writer as Wire, writeMessage } from './wire.js';

/** A network for onnxruntime. */
export interface OnnxGraph {
  /** An ONNX file, but for its weights. */
  readonly file: Uint8Array;
  /** They are not written into the file, because onnxruntime takes them as they are: a copy of all takes 0.05 s. */
  readonly weights: readonly { readonly path: string; readonly data: Uint8Array }[];
}

// The part of onnx.proto that `toOnnx` writes.
const node = {
  input: 1,
  output: 2,
  name: 3,
  opType: 4,
  attribute: [5, { name: 1, i: 3, ints: 8, type: 20 }],
} as const;
const tensor = {
  dims: 1,
  dataType: 2,
  name: 8,
  rawData: 9,
  externalData: [13, { key: 1, value: 2 }],
  dataLocation: 14,
} as const;
const shape = { dim: [1, { dimValue: 1, dimParam: 2 }] } as const;
const value = { name: 1, type: [2, { tensorType: [1, { elemType: 1, shape: [2, shape] }] }] } as const;
const model = {
  irVersion: 1,
  producerName: 2,
  graph: [7, { node: [1, node], name: 2, initializer: [5, tensor], input: [11, value], output: [12, value] }],
  opsetImport: [8, { domain: 1, version: 2 }],
} as const satisfies Fields;

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
/** TensorProto.DataLocation */
const external = 1;
/** Bytes: onnxruntime looks into small ones, as the limits of an activation, before it has those that are apart. */
const smallest = 1024;

/**
 * Writes a chain as ONNX (opset 13), for onnxruntime. Its input has TensorFlow's layout, [N, H, W, 3].
 * N, H and W stay open, because the self-test uses small pictures.
 */
export function toOnnx(chain: Chain): OnnxGraph {
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
export function toInt8Onnx(chain: Chain, range: PictureRange): OnnxGraph {
  const writer = new Writer();
  const { picture, layers } = gridsOf(chain, range);
  let last = writer.onGrid(writer.node('Transpose', [inputName], { perm: [0, 3, 1, 2] }), picture);
  for (const [i, layer] of chain.features.entries())
    last = writer.onGrid(writer.int8Convolution(last, layer, i === 0 ? picture : layers), layers);
  return finished(writer, chain, last);
}

/** Adds what follows the last convolution. */
function finished(writer: Writer, chain: Chain, features: string): OnnxGraph {
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
  readonly #nodes: Message[] = [];
  readonly #initializers: Message[] = [];
  readonly #weights: OnnxGraph['weights'][number][] = [];

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

  finish(outputs: Record<string, (string | number)[]>): OnnxGraph {
    const port = (name: string, dims: (string | number)[]) => ({
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
    const file = writeMessage(Wire.create(), model, {
      irVersion: 8,
      producerName: 'plainview',
      opsetImport: [{ domain: '', version: 13 }],
      graph: {
        name: 'network',
        node: this.#nodes,
        initializer: this.#initializers,
        input: [port(inputName, ['N', 'H', 'W', 3])],
        output: Object.entries(outputs).map(([name, dims]) => port(name, dims)),
      },
    }).finish();
    return { file, weights: this.#weights };
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
    const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const about = { name, dims, dataType: types.get(values.constructor) ?? 0 };
    if (data.length < smallest) {
      this.#initializers.push({ ...about, rawData: data });
      return;
    }
    const place = { location: name, offset: '0', length: String(data.length) };
    const externalData = Object.entries(place).map(([key, value]) => ({ key, value }));
    this.#initializers.push({ ...about, dataLocation: external, externalData });
    this.#weights.push({ path: name, data });
  }
}
