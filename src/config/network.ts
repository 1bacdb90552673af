import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from './options.js';

/** The folder of the networks that come with Plainview, or are fetched into it. */
const modelFolder = fileURLToPath(new URL('../../model/', import.meta.url));

export interface NetworkFiles {
  graph: string;
  labels: string;
}

/** Which files the options `network` and `labels` mean. */
export function networkFiles({ network, labels }: Pick<Config, 'network' | 'labels'>): NetworkFiles {
  if (network === 'embedded')
    return { graph: join(modelFolder, 'plainview.pb'), labels: labels ?? join(modelFolder, 'classes.txt') };
  if (network === 'nncpr')
    return {
      graph: join(modelFolder, 'network.pb'),
      labels: labels ?? join(modelFolder, 'nncpr-classes.txt'),
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
