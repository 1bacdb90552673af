import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { createError } from '../errors/errors.js';
import { shipped } from '../files/places.js';
import type { KnownAnswer } from './engines/self-test.js';
import { defaultLayers } from './graph/layers.js';
import { knownAnswer } from './known-answers.js';

const fraction = z.number().min(0).max(1);
const description = z.object({
  /** What each channel of the last feature maps stands for, in their order. */
  outputs: z.array(z.enum(['none', 'R', 'L'])),
  /** `marked`: the least score of the side that is told; `other`: the score from which the other side is there too. */
  thresholds: z.object({ marked: fraction, other: fraction }),
});

/** The network that finds markers of sides: `model/side.pb` and `model/side.json`, which model/training/side.py writes. */
export interface SideModel extends z.output<typeof description> {
  readonly graph: Buffer;
  /** For the self-test. */
  readonly known: KnownAnswer | undefined;
}

/** @throws network_unreadable */
export async function readSideModel(): Promise<SideModel> {
  const [graph, about] = [shipped('model', 'side.pb'), shipped('model', 'side.json')];
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
