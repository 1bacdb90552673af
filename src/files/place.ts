import { chmod, chown, mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
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
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const there = await stat(path).catch(() => undefined);
  const owner = there?.uid ?? process.getuid?.() ?? -1;
  const of = { mode: there === undefined ? mode : there.mode & 0o7777, group: there?.gid ?? group ?? -1 };
  await replaceFile(path, async (part) => {
    // Nobody reads it before it has its group.
    await writeFile(part, content, { mode: 0o600 });
    if (of.group !== -1) await chown(part, owner, of.group);
    await chmod(part, of.mode);
  });
}
