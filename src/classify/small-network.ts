import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { createError } from '../errors/errors.js';
import { shipped } from '../files/places.js';
import type { KnownAnswer } from './engines/self-test.js';
import { defaultLayers } from './graph/layers.js';
import { knownAnswer } from './known-answers.js';

/** A network that looks at pictures beside the classifier. */
export interface SmallNetwork {
  readonly graph: Buffer;
  /** For the self-test. */
  readonly known: KnownAnswer | undefined;
}

/**
 * Reads `model/<name>.pb`, and what `model/<name>.json` says of it.
 * @throws network_unreadable
 */
export async function readSmallNetwork<Description extends object>(
  name: string,
  description: z.ZodType<Description>,
): Promise<Description & SmallNetwork> {
  const [graph, about] = [shipped('model', `${name}.pb`), shipped('model', `${name}.json`)];
  try {
    const file = await readFile(graph);
    const sha256 = createHash('sha256').update(file).digest('hex');
    return {
      ...description.parse(JSON.parse(await readFile(about, 'utf8'))),
      graph: file,
      known: await knownAnswer(sha256, defaultLayers),
    };
  } catch (error) {
    throw createError('network_unreadable', { problem: `${graph}, ${about}: ${String(error)}` }, error);
  }
}
