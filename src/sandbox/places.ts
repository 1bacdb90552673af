import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `src/sandbox` and `dist/sandbox` lie equally deep. */
export const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Where the sandbox keeps Orthanc's program; nothing in it is worth a backup. */
export const sandboxFolder = (): string =>
  process.env.PLAINVIEW_SANDBOX ?? join(repositoryRoot, '.sandbox', 'orthanc');

export const hookScript = join(repositoryRoot, 'lua', 'plainview.lua');
export const explorerPlugin = join(repositoryRoot, 'orthanc', 'plainview.py');
export const siteFragment = join(repositoryRoot, 'orthanc', 'plainview.json');
