import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { shipped } from '../files/places.js';
import type { KnownAnswer } from './engines/self-test.js';
import { defaultLayers, type Layers } from './graph/layers.js';

const answers = z.record(
  z.string(),
  z.object({ height: z.number(), width: z.number(), scores: z.array(z.number()) }),
);

/**
 * What the self-test's reference gives for a network that comes with Plainview, from `model/self-test.json`, which
 * `npm run docs` writes. Its float64 takes longer than all else at a start. For any other network it is computed.
 * @param sha256 of the file
 */
export async function knownAnswer(sha256: string, layers: Layers): Promise<KnownAnswer | undefined> {
  const { inputLayer, outputLayer } = layers;
  if (inputLayer !== defaultLayers.inputLayer || outputLayer !== defaultLayers.outputLayer) return undefined;
  return answers.parse(JSON.parse(await readFile(shipped('model', 'self-test.json'), 'utf8')))[sha256];
}
