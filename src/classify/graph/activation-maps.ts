import { createError } from '../../errors/errors.js';
import type { Chain, ConvLayer, DenseLayer } from './chain.js';
import { noPads } from './steps.js';

/** What a network looks like where its classes' activation maps are wanted in place of scores. */
export interface ActivationMapChain {
  /** Ends with the maps, [N, rows, columns, classes]: no average, no head, no softmax. */
  readonly chain: Chain;
  /** One for each class: map's mean + bias = the class's logit. */
  readonly bias: Float32Array;
}

/**
 * Class activation maps (B. Zhou et al., CVPR 2016): averaging and then weighing the features is the same as weighing
 * them at each place and then averaging. So the head, moved before the average as a 1×1 convolution, shows what each
 * place adds to a class's logit; nothing is approximated.
 * @throws explanation_unavailable where the head bends what it weighs: the order of the two then matters
 */
export function activationMapChainOf(chain: Chain): ActivationMapChain {
  const bent = chain.head.find(({ activation }) => activation !== 'linear');
  if (bent !== undefined)
    throw createError('explanation_unavailable', {
      problem: `its head holds a layer with ${bent.activation}`,
    });
  const { inputs, outputs, weights, bias } = chain.head.reduce(joined);
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

/** Two linear layers as one. */
function joined(first: DenseLayer, second: DenseLayer): DenseLayer {
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
