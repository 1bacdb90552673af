import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { makeFolder } from '../../../src/files/make-folder.js';

/** What another process does after `makeFolder` saw that a folder is missing. */
let meanwhile: ((folder: string) => void) | undefined;

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>();
  const existsSync = (path: string): boolean => {
    const exists = fs.existsSync(path);
    if (!exists) meanwhile?.(path);
    return exists;
  };
  return { ...fs, existsSync };
});

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'plainview-make-folder-'));
});
afterAll(() => rm(place, { recursive: true }));

test('makes a folder and those above it, for the owner only', () => {
  const folder = join(place, 'one', 'two');
  makeFolder(folder);
  makeFolder(folder);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(place, 'one')).mode & 0o777).toBe(0o700);
});

test('another process may make the same folders at that moment', () => {
  const folder = join(place, 'both', 'deeper');
  meanwhile = (missing) => mkdirSync(missing, { recursive: true });
  makeFolder(folder);
  meanwhile = undefined;
  expect(statSync(folder).isDirectory()).toBe(true);
});

test('what is there and is no folder is an error', () => {
  const link = join(place, 'link');
  symlinkSync(join(place, 'nowhere'), link);
  expect(() => makeFolder(join(link, 'folder'))).toThrow('EEXIST');
  const file = join(place, 'file');
  writeFileSync(file, '');
  expect(() => makeFolder(join(file, 'folder'))).toThrow('ENOTDIR');
});
