import { gitBlobOf, nncpr } from './fetch.js';
import { buildChain } from './graph/chain.js';
import { readGraphDef } from './graph/graphdef.js';
import { convolvedSize, type Size } from './graph/steps.js';
import { type Layers, walk } from './graph/walk.js';
import { loadNetwork, type NetworkSource, requireOutputs } from './network.js';

/**
 * Describes a network as a text for people.
 * @throws network_…
 */
export async function describeNetwork(source: NetworkSource, layers: Layers): Promise<string> {
  const { network, file } = await loadNetwork(source);
  const input: Size = { height: 224, width: 224 };
  const chain = buildChain(walk(readGraphDef(Buffer.from(file)), layers), input);
  requireOutputs(network, chain.classes, source.labels);
  const isPublished = (await gitBlobOf(source.graph)) === nncpr.gitBlob;

  let size = input;
  let multiplications = 0;
  for (const layer of chain.features) {
    size = convolvedSize(size, layer.shape, layer.strides, layer.pads);
    multiplications += layer.kernel.length * size.height * size.width;
  }
  const parameters = [
    ...chain.features.map((layer) => layer.kernel),
    ...chain.head.map((layer) => layer.weights),
  ];
  const million = (count: number) => `${(count / 1e6).toFixed(1)} million`;
  const { threshold, margin, unknownBelow } = network.thresholds;
  const rows: [string, string][] = [
    ['network', network.name + (isPublished ? " – NNCPR's own, as published" : '')],
    ['file', `${source.graph}, ${file.byteLength} bytes`],
    ['SHA-256', network.sha256],
    ['purpose', network.purpose],
    ...(network.note === undefined ? [] : [['note', network.note] satisfies [string, string]]),
    ['input', `${layers.inputLayer} [N, ${input.height}, ${input.width}, 3]`],
    ['output', `${layers.outputLayer} [N, ${chain.classes}]`],
    ['layers', `${chain.features.length} convolutions, ${chain.head.length} fully connected`],
    ['weights', million(parameters.reduce((sum, { length }) => sum + length, 0))],
    ['multiplications', `${million(multiplications)} a picture`],
    ['thresholds', `threshold ${threshold}, margin ${margin}, unknown below ${unknownBelow}`],
    ['classes', `${network.classes.length}: ${network.classes.join(', ')}`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(16)}${value}`).join('\n');
}
