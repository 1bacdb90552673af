import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncFolderNow } from './make-folder.js';

/**
 * Writes a folder of files whole or not at all. One in its place is removed when the new one is complete; between two
 * renames, a stop leaves the old one beside it as `.….former`. Two calls for one path must not overlap.
 * @param write writes the files into the folder that it receives
 */
export async function replaceFolder(
  folder: string,
  write: (part: string) => Promise<unknown>,
): Promise<void> {
  const beside = (ending: string) => join(dirname(folder), `.${basename(folder)}.${ending}`);
  const [part, former] = [beside('part'), beside('former')];
  await rm(part, { recursive: true, force: true });
  try {
    await mkdir(part);
    await write(part);
    // Without this, the names can reach the disk before the content.
    for (const name of await readdir(part)) await sync(join(part, name));
    syncFolderNow(part);
    await rm(former, { recursive: true, force: true });
    const wasThere = await setAside(folder, former);
    await rename(part, folder).catch(async (error: unknown) => {
      if (wasThere) await rename(former, folder);
      throw error;
    });
    syncFolderNow(dirname(folder));
    await rm(former, { recursive: true, force: true });
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
}

async function setAside(folder: string, former: string): Promise<boolean> {
  try {
    await rename(folder, former);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
