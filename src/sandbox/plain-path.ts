import { rmSync } from 'node:fs';
import { copyFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { temporaryFolder } from '../files/temporary.js';

/*
 * Paths for Orthanc's Python plugin and for the loader of Debian's programs. The plugin takes each byte of a path for
 * one character, and Python then fails ("memory allocation failed") where a byte is not ASCII. For the loader, `:` and
 * `;` separate folders.
 */
const isPlain = (path: string): boolean => /^[\w/.+ -]*$/.test(path);

/** A folder's path, or that of a link to it. */
export async function plainFolder(folder: string): Promise<string> {
  if (isPlain(folder)) return folder;
  const link = join(await plainTemporaryFolder(), 'link');
  await symlink(folder, link);
  return link;
}

/** A program's path, or that of a copy: a running program is known by its real path. */
export async function plainProgram(program: string): Promise<string> {
  if (isPlain(program)) return program;
  const copy = join(await plainTemporaryFolder(), basename(program));
  await copyFile(program, copy);
  return copy;
}

const made: string[] = [];

/** Deleted when this process ends. */
async function plainTemporaryFolder(): Promise<string> {
  const folder = await temporaryFolder('plainview-path-', isPlain(tmpdir()) ? tmpdir() : '/tmp');
  if (made.length === 0)
    process.once('exit', () => {
      for (const each of made) rmSync(each, { recursive: true, force: true });
    });
  made.push(folder);
  return folder;
}
