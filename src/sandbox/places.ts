import { shipped } from '../files/places.js';

/** Where the sandbox keeps Orthanc's program; nothing in it is worth a backup. */
export const sandboxFolder = (): string => process.env.PLAINVIEW_SANDBOX ?? shipped('.sandbox', 'orthanc');

export const hookScript = shipped('lua', 'plainview.lua');
export const explorerPlugin = shipped('orthanc', 'explorer_plugin.py');
export const siteFragment = shipped('orthanc', 'plainview.json');
