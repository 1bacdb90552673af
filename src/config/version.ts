import { existsSync, readFileSync } from 'node:fs';
import { shipped } from '../files/places.js';

// Both files are Plainview's own. Each command reads them before all else, so zod is not loaded for them.

/** Plainview's version, from package.json. */
export const { version } = JSON.parse(readFileSync(shipped('package.json'), 'utf8')) as { version: string };

/** Written by scripts/build.mjs. */
const buildFile = new URL('../build.json', import.meta.url);

/** The commit that was built, where that was known; it ends with `-dirty` where files differed from it. */
export const { commit } = (existsSync(buildFile) ? JSON.parse(readFileSync(buildFile, 'utf8')) : {}) as {
  commit?: string;
};

/** Both, as `--version` prints them. */
export const versionText = commit === undefined ? version : `${version} (${commit})`;
