import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isRefusedForFolders } from './replace.js';

/**
 * Makes a folder, and those above it, unless it is there. By default only the owner can use it: it may hold patient data. After
 * this, a power cut does not undo it. Not with `recursive`: Node.js then never returns where the system makes no folder,
 * as in /proc.
 */
export function makeFolder(folder: string, mode = 0o700): void {
  if (existsSync(folder)) return;
  const parent = dirname(folder);
  makeFolder(parent, mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // Another process can have made it in the meantime.
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
  syncFolderNow(parent);
}

/** The names of files and folders are content of the folder above them. */
export function syncFolderNow(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (!isRefusedForFolders(error)) throw error;
  }
}
