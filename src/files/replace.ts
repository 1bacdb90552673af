import { renameSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Options of a file that can hold data of patients, or who did what: only the owner may read it. */
export const ownerOnly = { mode: 0o600 } as const;

/**
 * Replaces a file atomically: after a stop at any moment it has the old content or the new content.
 * Two calls for one path must not overlap.
 * @param write writes the content to the path that it receives
 */
export async function replaceFile(path: string, write: (part: string) => Promise<unknown>): Promise<void> {
  const part = `${path}.part`;
  try {
    await write(part);
    await renameDurably(part, path);
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Renames a complete file within its folder. After this, a power cut does not undo it. */
export async function renameDurably(part: string, path: string): Promise<void> {
  // Without this, the name can reach the disk before the content, and a power cut leaves half a file.
  await sync(part, 'r+');
  await rename(part, path);
  await syncFolder(dirname(path));
}

/** The names of files are content of their folder. Some file systems refuse to sync it. */
async function syncFolder(folder: string): Promise<void> {
  await sync(folder, 'r').catch((error: unknown) => {
    if (!isRefusedForFolders(error)) throw error;
  });
}

/** Whether a file system refused to sync a folder, as some do. */
export const isRefusedForFolders = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['EACCES', 'EBADF', 'EINVAL', 'EISDIR', 'ENOTSUP', 'EPERM'].includes(String(error.code));

async function sync(path: string, flags: 'r' | 'r+'): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes a file, if it is there. After this, a power cut does not bring it back. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncFolder(dirname(path));
}

/**
 * Renames a damaged file to `….damaged`, for a person to look at. Not synced: where a power cut undoes it, the
 * damaged file is met and set aside again; a newer one in its place is synced with it.
 * @returns the new path
 */
export function setAside(path: string): string {
  const kept = `${path}.damaged`;
  renameSync(path, kept);
  return kept;
}
