import { chooseEngine } from '../engines/choose.js';
import type { Engine, EngineChoice } from '../engines/engine.js';
import { buildChain } from '../graph/chain.js';
import { readGraphDef } from '../graph/graphdef.js';
import { defaultLayers } from '../graph/layers.js';
import type { Size } from '../graph/steps.js';
import { walk } from '../graph/walk.js';
import type { SmallNetwork } from '../small-network.js';

/**
 * Starts and tests a network that looks at pictures beside the classifier.
 * @throws network_unsupported, engine_unavailable, engine_wrong, no_engine
 */
export async function startSmallNetwork(
  { graph, known }: SmallNetwork,
  size: Size,
  choice: EngineChoice,
): Promise<Engine> {
  const steps = walk(readGraphDef(graph), defaultLayers);
  const { engine } = await chooseEngine(choice, buildChain(steps, size), steps, known);
  return engine;
}
