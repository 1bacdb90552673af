import type { Config } from '../config/options.js';

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
  const base =
    network === undefined
      ? config
      : {
          ...config,
          network,
          labels: undefined,
          threshold: undefined,
          margin: undefined,
          unknownBelow: undefined,
        };
  return {
    ...base,
    labels: classes ?? base.labels,
    threshold: threshold ?? base.threshold,
    margin: margin ?? base.margin,
    unknownBelow: unknownBelow ?? base.unknownBelow,
  };
}
