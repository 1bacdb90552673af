import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { replaceFolder } from '../../../src/files/replace-folder.js';

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'replace-folder-'));
  folder = join(parent, 'network');
});
afterEach(() => rm(parent, { recursive: true }));

const content = async () =>
  Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
const write = (text: string) => (part: string) => writeFile(join(part, text), text);

test('makes a folder, and replaces it with all that it holds', async () => {
  await replaceFolder(folder, write('old'));
  expect(await content()).toEqual(['old']);
  await replaceFolder(folder, write('new'));
  expect(await content()).toEqual(['new']);
  expect(await readdir(parent)).toEqual(['network']);
});

test('keeps the old folder where the new one cannot be written to its end', async () => {
  await replaceFolder(folder, write('old'));
  const failing = replaceFolder(folder, async (part) => {
    await write('new')(part);
    throw new Error('the disk is full');
  });
  await expect(failing).rejects.toThrow('the disk is full');
  expect(await content()).toEqual(['old']);
  expect(await readdir(parent)).toEqual(['network']);
});

test('goes on after a stop that left parts', async () => {
  await replaceFolder(folder, write('old'));
  for (const left of ['.network.part', '.network.former']) {
    await mkdir(join(parent, left));
    await writeFile(join(parent, left, 'half'), 'half');
  }
  await replaceFolder(folder, write('new'));
  expect(await content()).toEqual(['new']);
  expect(await readdir(parent)).toEqual(['network']);
});
