import { rmSync } from 'node:fs';
import { copyFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { temporaryFolder } from '../files/temporary.js';

/*
 * Paths for Orthanc's Python plugin and for the dynamic loader. The plugin reads each byte of a path as one character.
 * So Python fails ("memory allocation failed") if a byte is not ASCII. For the loader, `:` and `;` separate folders.
 */
const isPlain = (path: string): boolean => /^[\w/.+ -]*$/.test(path);

/** The folder's path, or the path of a link to it. */
export async function plainFolder(folder: string): Promise<string> {
  if (isPlain(folder)) return folder;
  const link = join(await plainTemporaryFolder(), 'link');
  await symlink(folder, link);
  return link;
}

/** The program's path, or the path of a copy. A link is not enough: a running program gets its real path. */
export async function plainProgram(program: string): Promise<string> {
  if (isPlain(program)) return program;
  const copy = join(await plainTemporaryFolder(), basename(program));
  await copyFile(program, copy);
  return copy;
}

const made: string[] = [];

/** The folder is deleted when this process ends. */
async function plainTemporaryFolder(): Promise<string> {
  const folder = await temporaryFolder('plainview-path-', isPlain(tmpdir()) ? tmpdir() : '/tmp');
  if (made.length === 0)
    process.once('exit', () => {
      for (const each of made) rmSync(each, { recursive: true, force: true });
    });
  made.push(folder);
  return folder;
}
