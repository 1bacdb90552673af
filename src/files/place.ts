import { chmod, chown, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from './make-folder.js';
import { replaceFile } from './replace.js';

/**
 * Writes a file for a program of another user, whole or not at all. One that is there keeps its owner, group and mode.
 * @param group numeric id of the group that may read it
 */
export async function placeFile(
  path: string,
  content: string,
  { mode, group }: { mode: number; group: number | undefined },
): Promise<void> {
  makeFolder(dirname(path), 0o755);
  const there = await stat(path).catch(() => undefined);
  const owner = there?.uid ?? process.getuid?.() ?? -1;
  const of = { mode: there === undefined ? mode : there.mode & 0o7777, group: there?.gid ?? group ?? -1 };
  // A link to a file in a managed folder stays a link.
  const target = there === undefined ? path : await realpath(path);
  await replaceFile(target, async (part) => {
    // Nobody reads it before it has its group.
    await writeFile(part, content, { mode: 0o600 });
    if (of.group !== -1) await chown(part, owner, of.group);
    await chmod(part, of.mode);
  });
}
