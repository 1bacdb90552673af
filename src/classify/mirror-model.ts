import { z } from 'zod';
import { readSmallNetwork, type SmallNetwork } from './small-network.js';

const description = z.object({
  /** The categories of whose pictures it is told. */
  categories: z.array(z.string()),
  /** Rows and columns of its input. */
  side: z.int().positive(),
  /** The least score of what is told, whether that is "mirrored" or the opposite. */
  threshold: z.number().min(0.5).max(1),
});

/** The network that tells mirrored chests: `model/mirrored.pb` and `model/mirrored.json`, which model/training/mirrored.py writes. */
export type MirrorModel = z.output<typeof description> & SmallNetwork;

/** @throws network_unreadable */
export const readMirrorModel = (): Promise<MirrorModel> => readSmallNetwork('mirrored', description);
