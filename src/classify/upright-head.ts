import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { createError } from '../errors/errors.js';
import { shipped } from '../files/places.js';

// A copy is aligned, which memory that Node.js shares among small buffers need not be.
const floats = z
  .base64()
  .transform((text) => new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer));
const fraction = z.number().min(0).max(1);

/** The layer that tells which way up a picture is: `model/upright.json`, which model/training/upright.py writes. */
const uprightHead = z.object({
  /** `featuresHash` of the networks that it belongs to. */
  features: z.string(),
  /** The categories of which it is told. */
  categories: z.array(z.string()),
  /** The least score of "upright", and that of "turned" before the picture is turned back. */
  thresholds: z.object({ upright: fraction, turned: fraction }),
  /** [moments, 4]: see `momentsOf`. */
  weights: floats,
  bias: floats,
});
export type UprightHead = z.output<typeof uprightHead>;

/** @throws network_unreadable */
export async function readUprightHead(path = shipped('model', 'upright.json')): Promise<UprightHead> {
  try {
    return uprightHead.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw createError('network_unreadable', { problem: `${path}: ${String(error)}` }, error);
  }
}
