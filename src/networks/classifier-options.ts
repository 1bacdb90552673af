import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FrameChoice } from '../classify/prepare/picture.js';
import type { Config } from '../config/options.js';
import { createError } from '../errors/errors.js';
import { shipped } from '../files/places.js';

/** A file of the model folder. It holds the networks that come with Plainview, and those that Plainview downloads. */
const modelFile = (name: string): string => shipped('model', name);

export interface NetworkFiles {
  graph: string;
  /** Absent: as `loadNetwork` finds them. */
  labels?: string | undefined;
}

/** The folder with the site's own networks: one folder for each, by its name. */
export const networksFolder = (stateDir: string): string => join(stateDir, 'networks');
/** `network.pb`, or else `network.onnx` where that is there. */
export function graphIn(folder: string): string {
  const [frozen, onnx] = [join(folder, 'network.pb'), join(folder, 'network.onnx')];
  return !existsSync(frozen) && existsSync(onnx) ? onnx : frozen;
}
/** The name of a folder there. Anything else is a path. */
export const folderName = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;

/**
 * The files that the options `network` and `labels` select.
 * @param stateDir where a name of a network is looked for; without it, only the networks that come with Plainview have names
 */
export function networkFiles({
  network,
  labels,
  stateDir,
}: Pick<Config, 'network' | 'labels'> & { stateDir?: string }): NetworkFiles {
  if (network === 'embedded')
    return { graph: modelFile('plainview.pb'), labels: labels ?? modelFile('classes.txt') };
  if (network === 'nncpr')
    return {
      graph: modelFile('network.pb'),
      labels: labels ?? modelFile('nncpr-classes.txt'),
    };
  const folder =
    stateDir !== undefined && folderName.test(network) ? join(networksFolder(stateDir), network) : undefined;
  const graph = folder !== undefined && existsSync(folder) ? graphIn(folder) : network;
  return { graph, labels };
}

/** The options with another network. The names, layers and thresholds of the configuration do not apply to it. */
export const withNetwork = (config: Config, network: string): Config => ({
  ...config,
  network,
  labels: undefined,
  inputLayer: undefined,
  outputLayer: undefined,
  threshold: undefined,
  margin: undefined,
  unknownBelow: undefined,
});

/** Which frame of a DICOM file is classified. */
export const frameChoice = ({ multiframe }: Pick<Config, 'multiframe'>): FrameChoice =>
  multiframe === 'middle' ? 'middle' : 'first';

/** The options of a classifier with one network. */
export const classifierOptions = (config: Config) => ({
  ...networkFiles(config),
  inputLayer: config.inputLayer,
  outputLayer: config.outputLayer,
  engine: config.engine,
  precision: config.precision,
  workers: config.workers,
  maxMegapixels: config.maxMegapixels,
  frame: frameChoice(config),
  thresholds: { threshold: config.threshold, margin: config.margin, unknownBelow: config.unknownBelow },
});

/**
 * The same, for the service: with the shadow network, and with the network that was chosen in place of PLAINVIEW_NETWORK.
 * @throws config_invalid where features are to be kept that are not those of float32
 */
export function serviceOptions(config: Config, network = config.network) {
  const { shadowNetwork } = config;
  if (config.precision === 'int8' && config.features === 'keep')
    throw createError('config_invalid', {
      problems: [
        'PLAINVIEW_FEATURES=keep needs PLAINVIEW_PRECISION=float32: what it keeps serves other networks and training, and int8 gives other values',
      ],
    });
  return {
    ...classifierOptions(network === config.network ? config : withNetwork(config, network)),
    keepsFeatures: config.features === 'keep',
    tellsOrientation: config.orientation !== 'off',
    readsSide: config.side !== 'off',
    ...(shadowNetwork === undefined ? {} : { shadow: networkFiles(withNetwork(config, shadowNetwork)) }),
  };
}
