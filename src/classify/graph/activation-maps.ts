import type { Chain, ConvLayer, DenseLayer } from './chain.js';
import { noPads } from './steps.js';

/** A network that computes activation maps in place of scores. */
export interface ActivationMapChain {
  /** Its output is the maps, [N, rows, columns, classes]. It has no average, no head and no softmax. */
  readonly chain: Chain;
  /** One for each class. Mean of the map + bias = logit of the class. */
  readonly bias: Float32Array;
}

/** Whether the scores are a linear function of the features. */
export const hasLinearHead = ({ head }: Chain): boolean =>
  head.every(({ activation }) => activation === 'linear');

/**
 * Class activation maps (B. Zhou et al., CVPR 2016). A linear head gives the same result before and after the
 * average. So it is moved before the average, as a 1×1 convolution. Its output is what each place adds to the logit
 * of a class. Nothing is approximated.
 * @param chain with a linear head
 */
export function activationMapChainOf(chain: Chain): ActivationMapChain {
  const { inputs, outputs, weights, bias } = chain.head.reduce(combined);
  const layer: ConvLayer = {
    kind: 'conv',
    shape: [1, 1, inputs, outputs],
    kernel: weights,
    bias: new Float32Array(outputs),
    strides: [1, 1],
    pads: noPads,
    activation: 'linear',
  };
  return { chain: { ...chain, features: [...chain.features, layer], head: [] }, bias };
}

/** Combines two linear layers into one. */
function combined(first: DenseLayer, second: DenseLayer): DenseLayer {
  const { inputs, outputs: middle } = first;
  const { outputs } = second;
  /** [rows, middle] · [middle, outputs] */
  const product = (values: Float32Array, rows: number) => {
    const sums = new Float64Array(rows * outputs);
    for (let row = 0; row < rows; row++)
      for (let m = 0; m < middle; m++) {
        const value = values[row * middle + m] ?? 0;
        for (let o = 0; o < outputs; o++)
          sums[row * outputs + o] =
            (sums[row * outputs + o] ?? 0) + value * (second.weights[m * outputs + o] ?? 0);
      }
    return sums;
  };
  return {
    inputs,
    outputs,
    weights: Float32Array.from(product(first.weights, inputs)),
    bias: Float32Array.from(product(first.bias, 1), (value, o) => value + (second.bias[o] ?? 0)),
    activation: 'linear',
  };
}
