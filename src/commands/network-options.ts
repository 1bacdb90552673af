import type { Config } from '../config/options.js';
import { withNetwork } from '../networks/classifier-options.js';

type NetworkOptions = { [K in 'network' | 'classes']?: string | undefined } & {
  threshold?: number;
  margin?: number;
  unknownBelow?: number;
};

/** If the command line names a network, the classes and thresholds of the configuration do not apply to it. */
export function networkOptions(
  config: Config,
  { network, classes, threshold, margin, unknownBelow }: NetworkOptions,
): Config {
  const base = network === undefined ? config : withNetwork(config, network);
  return {
    ...base,
    labels: classes ?? base.labels,
    threshold: threshold ?? base.threshold,
    margin: margin ?? base.margin,
    unknownBelow: unknownBelow ?? base.unknownBelow,
  };
}
