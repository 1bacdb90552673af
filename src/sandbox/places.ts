import { accessSync, constants } from 'node:fs';
import { createError } from '../errors/errors.js';
import { makeFolder } from '../files/make-folder.js';
import { shipped } from '../files/places.js';

/** The folder for Orthanc's program. It needs no backup: it is downloaded again if it is missing. */
export const sandboxFolder = (): string => process.env.PLAINVIEW_SANDBOX ?? shipped('.sandbox', 'orthanc');

export const hookScript = shipped('lua', 'plainview.lua');
/** The plugin for Orthanc's pages, with what only a sandbox needs. */
export const explorerPlugin = shipped('orthanc', 'sandbox_plugin.py');
export const siteFragment = shipped('orthanc', 'plainview.json');
export const gdcmFragment = shipped('orthanc', 'gdcm.json');

/**
 * Creates a folder of the sandbox unless it exists, and checks that it is writable.
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
