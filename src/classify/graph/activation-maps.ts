import type { Chain } from './chain.js';

/** Whether the scores are a linear function of the features. */
export const hasLinearHead = ({ head }: Pick<Chain, 'head'>): boolean =>
  head.every(({ activation }) => activation === 'linear');

/**
 * The class activation map of a class (B. Zhou et al., CVPR 2016): what each place adds to its logit. A linear head gives
 * the same result before and after the average, so nothing is approximated.
 * @param chain with a linear head
 * @param featureMaps of the last convolution, [rows, columns, channels]
 * @returns mean of the values + bias = logit of the class
 */
export function activationMapOf(
  chain: Pick<Chain, 'head' | 'classes'>,
  featureMaps: Float32Array,
  classIndex: number,
): { values: Float32Array; bias: number } {
  const { weights, bias } = weightsOf(chain, classIndex);
  const channels = weights.length;
  const values = Float32Array.from({ length: featureMaps.length / channels }, (_, place) =>
    weights.reduce((sum, weight, c) => sum + weight * at(featureMaps, place * channels + c), 0),
  );
  return { values, bias };
}

/** The head as one layer: the weight of each channel for the logit of one class, and its bias. */
function weightsOf({ head, classes }: Pick<Chain, 'head' | 'classes'>, classIndex: number) {
  const only = Float64Array.from({ length: classes }, (_, c) => (c === classIndex ? 1 : 0));
  return head.reduceRight(
    ({ weights: after, bias: sum }, { inputs, outputs, weights, bias }) => ({
      weights: Float64Array.from({ length: inputs }, (_, i) =>
        after.reduce((total, weight, o) => total + weight * at(weights, i * outputs + o), 0),
      ),
      bias: after.reduce((total, weight, o) => total + weight * at(bias, o), sum),
    }),
    { weights: only, bias: 0 },
  );
}

// All indices come from the lengths.
const at = (values: Float32Array, index: number) => values[index] as number;
