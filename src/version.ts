import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Plainview's own version, as package.json tells it. */
export const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')));
