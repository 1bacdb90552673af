import { createHash } from 'node:crypto';
import { buildChain, type DenseLayer } from './graph/chain.js';
import { readGraphDef } from './graph/graphdef.js';
import { featuresHash } from './graph/last-layer.js';
import { type LastLayer, replaceLastLayer } from './graph/replace-last-layer.js';
import { walk } from './graph/walk.js';
import { loadNetwork, type Network, type NetworkSource, requireFrozen, requireOutputs } from './network.js';

/** A network from which training starts. */
export interface StartingNetwork {
  readonly network: Network;
  readonly lastLayer: DenseLayer;
  /** The same for all networks with the same features. */
  readonly featuresHash: string;
  /** The graph's file with another last layer, and its SHA-256. */
  withLastLayer(layer: LastLayer): { file: Uint8Array; sha256: string };
}

/** @throws network_…; training_impossible */
export async function readStartingNetwork(source: NetworkSource): Promise<StartingNetwork> {
  const loaded = await loadNetwork(source);
  const { file, layers, preparation } = requireFrozen(loaded);
  const { network } = loaded;
  const chain = buildChain(walk(readGraphDef(file), layers), preparation);
  requireOutputs(loaded, chain.classes);
  // A chain always has a last layer: without one there is no softmax.
  const lastLayer = chain.head.at(-1) as DenseLayer;
  return {
    network,
    lastLayer,
    featuresHash: featuresHash(chain),
    withLastLayer(layer) {
      const changed = replaceLastLayer(file, layers, layer);
      return { file: changed, sha256: createHash('sha256').update(changed).digest('hex') };
    },
  };
}
