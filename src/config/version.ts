import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { shipped } from '../files/places.js';

/** Plainview's version, from package.json. */
export const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(shipped('package.json'), 'utf8')));
