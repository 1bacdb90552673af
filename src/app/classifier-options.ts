import { dirname, join } from 'node:path';
import type { Config } from '../config/options.js';
import { shipped } from '../files/places.js';

/** A network that comes with Plainview, or is fetched into the same folder. */
const model = (name: string): string => shipped('model', name);

export interface NetworkFiles {
  graph: string;
  labels: string;
}

/** Which files the options `network` and `labels` mean. */
export function networkFiles({ network, labels }: Pick<Config, 'network' | 'labels'>): NetworkFiles {
  if (network === 'embedded') return { graph: model('plainview.pb'), labels: labels ?? model('classes.txt') };
  if (network === 'nncpr')
    return {
      graph: model('network.pb'),
      labels: labels ?? model('nncpr-classes.txt'),
    };
  return { graph: network, labels: labels ?? join(dirname(network), 'classes.txt') };
}

/** The options that concern the classifier alone. */
export const classifierOptions = (config: Config) => ({
  ...networkFiles(config),
  engine: config.engine,
  workers: config.workers,
  maxMegapixels: config.maxMegapixels,
  thresholds: { threshold: config.threshold, margin: config.margin, unknownBelow: config.unknownBelow },
});
