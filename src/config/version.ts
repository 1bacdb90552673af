import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { shipped } from '../files/places.js';

/** Plainview's version, from package.json. */
export const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(shipped('package.json'), 'utf8')));

/** Written by scripts/build.mjs. */
const buildFile = new URL('../build.json', import.meta.url);

/** The commit that was built, where that was known; it ends with `-dirty` where files differed from it. */
export const { commit } = z
  .object({ commit: z.string().optional() })
  .parse(existsSync(buildFile) ? JSON.parse(readFileSync(buildFile, 'utf8')) : {});

/** Both, as `--version` prints them. */
export const versionText = commit === undefined ? version : `${version} (${commit})`;
