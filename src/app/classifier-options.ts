import { dirname, join } from 'node:path';
import type { Config } from '../config/options.js';
import { shipped } from '../files/places.js';

/** A file of the model folder. It holds the networks that come with Plainview, and those that Plainview downloads. */
const modelFile = (name: string): string => shipped('model', name);

export interface NetworkFiles {
  graph: string;
  labels: string;
}

/** The files that the options `network` and `labels` select. */
export function networkFiles({ network, labels }: Pick<Config, 'network' | 'labels'>): NetworkFiles {
  if (network === 'embedded')
    return { graph: modelFile('plainview.pb'), labels: labels ?? modelFile('classes.txt') };
  if (network === 'nncpr')
    return {
      graph: modelFile('network.pb'),
      labels: labels ?? modelFile('nncpr-classes.txt'),
    };
  return { graph: network, labels: labels ?? join(dirname(network), 'classes.txt') };
}

/** The options of the classifier. */
export const classifierOptions = (config: Config) => ({
  ...networkFiles(config),
  engine: config.engine,
  workers: config.workers,
  maxMegapixels: config.maxMegapixels,
  thresholds: { threshold: config.threshold, margin: config.margin, unknownBelow: config.unknownBelow },
});
