import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Network } from '../classify/network.js';
import { createError } from '../errors/errors.js';
import { makeFolder, syncFolderNow } from '../files/make-folder.js';
import { ownerOnly } from '../files/replace.js';
import { withWriteErrors } from '../files/result-file.js';

/** The files of a network that was trained. */
export interface NewNetwork {
  readonly graph: Uint8Array;
  readonly network: Network;
  readonly card: string;
  /** It can hold pictures of patients. */
  readonly report: string;
}

/** What a training writes. */
const files = ['network.pb', 'classes.txt', 'network.json', 'card.md', 'report.html'];

/** The graph within a network's folder. */
export const graphOf = (folder: string): string => join(folder, 'network.pb');

/**
 * Checks that a network can be written, before a long run begins.
 * @throws usage, report_unwritable
 */
export async function requireNewFolder(folder: string, replace: boolean): Promise<void> {
  await withWriteErrors(async () => {
    makeFolder(dirname(folder));
    // Without `recursive` it fails where something is there.
    await mkdir(folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      if (!replace)
        throw createError('usage', {
          problem: `${folder} is there already; name another folder with --out, or replace it with --replace`,
        });
      const foreign = (await readdir(folder)).find((name) => !files.includes(name));
      if (foreign !== undefined)
        throw createError('usage', {
          problem: `${folder} cannot be replaced: it holds ${foreign}, which no training wrote; name another folder with --out`,
        });
    });
    // Only an empty one: it was made above, or is replaced as well as a full one.
    if (!replace) await rmdir(folder);
  });
}

/**
 * Writes a network's folder whole or not at all. An older one in its place is removed when the new one is complete.
 * @throws report_unwritable
 */
export async function writeNetwork(
  folder: string,
  { graph, network, card, report }: NewNetwork,
): Promise<void> {
  const { classes, ...description } = network;
  const part = join(dirname(folder), `.${basename(folder)}.part`);
  const former = join(dirname(folder), `.${basename(folder)}.former`);
  await withWriteErrors(async () => {
    try {
      await rm(part, { recursive: true, force: true });
      await mkdir(part);
      const write = (name: string, content: string | Uint8Array, options = {}) =>
        writeFile(join(part, name), content, { ...options, flush: true });
      await write('network.pb', graph);
      await write('classes.txt', `${classes.join('\n')}\n`);
      await write('network.json', `${JSON.stringify(description, null, 2)}\n`);
      await write('card.md', card);
      await write('report.html', report, ownerOnly);
      syncFolderNow(part);
      await rm(former, { recursive: true, force: true });
      await rename(folder, former).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
      await rename(part, folder);
      syncFolderNow(dirname(folder));
      await rm(former, { recursive: true, force: true });
    } catch (error) {
      await rm(part, { recursive: true, force: true });
      throw error;
    }
  });
}
