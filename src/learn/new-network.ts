import { constants } from 'node:fs';
import { access, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Network } from '../classify/network.js';
import { createError } from '../errors/errors.js';
import { makeFolder } from '../files/make-folder.js';
import { ownerOnly } from '../files/replace.js';
import { replaceFolder } from '../files/replace-folder.js';
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
  const present = await withWriteErrors(async () => {
    makeFolder(dirname(folder));
    await access(dirname(folder), constants.W_OK);
    return readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
  });
  if (present === undefined) return;
  if (!replace)
    throw createError('usage', {
      problem: `${folder} is there already; name another folder with --out, or replace it with --replace`,
    });
  const foreign = present.find((name) => !files.includes(name));
  if (foreign !== undefined)
    throw createError('usage', {
      problem: `${folder} cannot be replaced: it holds ${foreign}, which no training wrote; name another folder with --out`,
    });
}

/**
 * Writes a network's folder whole or not at all. An older one in its place is removed when the new one is complete. What
 * came there in the meantime counts too.
 * @throws usage, report_unwritable
 */
export async function writeNetwork(
  folder: string,
  { graph, network, card, report }: NewNetwork,
  replace: boolean,
): Promise<void> {
  const { classes, ...description } = network;
  await withWriteErrors(() =>
    replaceFolder(folder, async (part) => {
      await writeFile(join(part, 'network.pb'), graph);
      await writeFile(join(part, 'classes.txt'), `${classes.join('\n')}\n`);
      await writeFile(join(part, 'network.json'), `${JSON.stringify(description, null, 2)}\n`);
      await writeFile(join(part, 'card.md'), card);
      await writeFile(join(part, 'report.html'), report, ownerOnly);
      await requireNewFolder(folder, replace);
    }),
  );
}
