import { accessSync, constants } from 'node:fs';
import { createError } from '../errors/errors.js';
import { makeFolder } from '../files/make-folder.js';
import { shipped } from '../files/places.js';

/** Where the sandbox keeps Orthanc's program; nothing in it is worth a backup. */
export const sandboxFolder = (): string => process.env.PLAINVIEW_SANDBOX ?? shipped('.sandbox', 'orthanc');

export const hookScript = shipped('lua', 'plainview.lua');
export const explorerPlugin = shipped('orthanc', 'explorer_plugin.py');
export const siteFragment = shipped('orthanc', 'plainview.json');

/**
 * Makes a folder for what the sandbox keeps, unless it is there.
 * @throws sandbox_unwritable
 */
export function makeSandboxFolder(folder: string): void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw createError('sandbox_unwritable', { folder, why: (error as Error).message }, error);
  }
}
