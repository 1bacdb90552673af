import type { io } from '@tensorflow/tfjs-core';
import type { Activation, Chain, ConvLayer, DenseLayer } from './chain.js';
import { featureMapsName, inputName, scoresName } from './ports.js';
import { convolvedSize, noPads, padsOf, type Size } from './steps.js';

type Attributes = Record<string, object>;
interface NodeDef {
  name: string;
  op: string;
  input: string[];
  attr: Attributes;
}

/**
 * Writes a chain as a TensorFlow.js graph model, for `loadGraphModelSync(io.fromMemorySync(…))`.
 * Batch, height and width stay open, because the self-test uses small pictures.
 */
export function toGraphModel(chain: Chain): io.ModelArtifacts {
  const writer = new Writer();
  let size: Size = chain.input;
  writer.node(inputName, 'Placeholder', [], { dtype: float, shape: shape([-1, -1, -1, 3]) });
  let last = inputName;
  for (const [i, layer] of chain.features.entries()) {
    last = writer.convolution(`features/${i}`, last, layer, size);
    size = convolvedSize(size, layer.shape, layer.strides, layer.pads);
  }
  writer.node(featureMapsName, 'Identity', [last], { T: float });
  writer.constant('average/axes', Int32Array.of(1, 2), [2]);
  writer.node('average', 'Mean', [last, 'average/axes'], { T: float, keep_dims: { b: false } });
  last = 'average';
  for (const [i, layer] of chain.head.entries()) last = writer.dense(`head/${i}`, last, layer);
  writer.node(scoresName, 'Softmax', [last], { T: float });
  return writer.finish();
}

// In the JSON form of a GraphDef, strings are base64.
const string = (text: string) => ({ s: Buffer.from(text).toString('base64') });
const ints = (values: readonly number[]) => ({ list: { i: values.map(String) } });
const shape = (dims: readonly number[]) => ({ shape: { dim: dims.map((size) => ({ size: String(size) })) } });
const float = { type: 'DT_FLOAT' };
const int32 = { type: 'DT_INT32' };

const fused: Readonly<Record<Activation, readonly string[]>> = {
  linear: ['BiasAdd'],
  relu: ['BiasAdd', 'Relu'],
  relu6: ['BiasAdd', 'Relu6'],
};
const fusion = (activation: Activation) => ({
  fused_ops: { list: { s: fused[activation].map((op) => string(op).s) } },
  num_args: { i: '1' },
  epsilon: { f: 0 },
});

class Writer {
  readonly #nodes: NodeDef[] = [];
  readonly #specs: io.WeightsManifestEntry[] = [];
  readonly #data: Uint8Array[] = [];

  node(name: string, op: string, input: string[], attr: Attributes): void {
    this.#nodes.push({ name, op, input, attr });
  }

  constant(name: string, values: Float32Array | Int32Array, dims: readonly number[]): void {
    const isInt = values instanceof Int32Array;
    this.node(name, 'Const', [], { dtype: isInt ? int32 : float, value: { tensor: {} } });
    this.#specs.push({ name, shape: [...dims], dtype: isInt ? 'int32' : 'float32' });
    this.#data.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }

  /** @returns the name of the node that holds the result */
  convolution(name: string, input: string, layer: ConvLayer, size: Size): string {
    this.constant(`${name}/kernel`, layer.kernel, layer.shape);
    this.constant(`${name}/bias`, layer.bias, [layer.bias.length]);
    const { from, padding } = this.#padding(name, input, layer, size);
    const op = layer.kind === 'conv' ? '_FusedConv2D' : 'FusedDepthwiseConv2dNative';
    this.node(name, op, [from, `${name}/kernel`, `${name}/bias`], {
      T: float,
      strides: ints([1, ...layer.strides, 1]),
      dilations: ints([1, 1, 1, 1]),
      data_format: string('NHWC'),
      padding: string(padding),
      ...fusion(layer.activation),
    });
    return name;
  }

  dense(name: string, input: string, layer: DenseLayer): string {
    this.constant(`${name}/weights`, layer.weights, [layer.inputs, layer.outputs]);
    this.constant(`${name}/bias`, layer.bias, [layer.outputs]);
    this.node(name, '_FusedMatMul', [input, `${name}/weights`, `${name}/bias`], {
      T: float,
      transpose_a: { b: false },
      transpose_b: { b: false },
      ...fusion(layer.activation),
    });
    return name;
  }

  finish(): io.ModelArtifacts {
    return {
      format: 'graph-model',
      modelTopology: { node: this.#nodes, versions: { producer: 134 } },
      weightSpecs: this.#specs,
      weightData: new Uint8Array(Buffer.concat(this.#data)).buffer,
    };
  }

  /** tfjs-node supports only SAME and VALID. Other padding becomes a separate op. */
  #padding(name: string, input: string, { pads, shape: kernel, strides }: ConvLayer, size: Size) {
    for (const padding of ['VALID', 'SAME'] as const) {
      const own = padding === 'VALID' ? noPads : padsOf('SAME', size, kernel, strides);
      const isEqual = (['top', 'bottom', 'left', 'right'] as const).every((side) => own[side] === pads[side]);
      if (isEqual) return { from: input, padding };
    }
    const amounts = [0, 0, pads.top, pads.bottom, pads.left, pads.right, 0, 0];
    this.constant(`${name}/pads`, Int32Array.from(amounts), [4, 2]);
    this.node(`${name}/pad`, 'Pad', [input, `${name}/pads`], { T: float, Tpaddings: int32 });
    return { from: `${name}/pad`, padding: 'VALID' };
  }
}
