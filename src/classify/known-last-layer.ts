import { buildChain } from './graph/chain.js';
import { readGraphDef } from './graph/graphdef.js';
import { featuresHash, scoresOf } from './graph/last-layer.js';
import { walk } from './graph/walk.js';
import type { KnownLastLayer } from './interface.js';
import type { Model } from './network.js';

/** @returns undefined where the network has none that can be read */
export function lastLayerOf(model: Model): KnownLastLayer | undefined {
  if (model.kind !== 'frozen') return undefined;
  const chain = buildChain(walk(readGraphDef(model.file), model.layers), model.preparation);
  const head = chain.head.slice(-1);
  // Only this layer is kept: the others hold most of the weights.
  return {
    featuresHash: featuresHash(chain),
    inputs: head[0]?.inputs ?? chain.classes,
    scores: (features) => scoresOf({ head }, features),
  };
}
