import { z } from 'zod';
import { readSmallNetwork, type SmallNetwork } from './small-network.js';

const fraction = z.number().min(0).max(1);
const description = z.object({
  /** What each channel of the last feature maps stands for, in their order. */
  outputs: z.array(z.enum(['none', 'R', 'L'])),
  /** `marked`: the least score of the side that is told; `other`: the score from which the other side is there too. */
  thresholds: z.object({ marked: fraction, other: fraction }),
});

/** The network that finds markers of sides: `model/side.pb` and `model/side.json`, which model/training/side.py writes. */
export type SideModel = z.output<typeof description> & SmallNetwork;

/** @throws network_unreadable */
export const readSideModel = (): Promise<SideModel> => readSmallNetwork('side', description);
