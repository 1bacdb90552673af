import type { Config } from '../config/options.js';
import { withNetwork } from '../networks/classifier-options.js';

/** As NNCPR's label_image.py names them. */
export const inputLayerOption = [
  '--input_layer <name>',
  'name of the input in the graph (default: input; of an ONNX file: what its description says)',
] as const;
export const outputLayerOption = [
  '--output_layer <name>',
  'name of the output in the graph (default: final_result; of an ONNX file: what its description says)',
] as const;

type NetworkOptions = {
  [K in 'network' | 'classes' | 'input_layer' | 'output_layer']?: string | undefined;
} & {
  threshold?: number;
  margin?: number;
  unknownBelow?: number;
};

/** If the command line names a network, the classes and thresholds of the configuration do not apply to it. */
export function networkOptions(
  config: Config,
  { network, classes, input_layer, output_layer, threshold, margin, unknownBelow }: NetworkOptions,
): Config {
  const base = network === undefined ? config : withNetwork(config, network);
  return {
    ...base,
    labels: classes ?? base.labels,
    inputLayer: input_layer ?? base.inputLayer,
    outputLayer: output_layer ?? base.outputLayer,
    threshold: threshold ?? base.threshold,
    margin: margin ?? base.margin,
    unknownBelow: unknownBelow ?? base.unknownBelow,
  };
}
