import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeNetwork } from '../../../src/learn/new-network.js';
import { axesNetwork } from '../../../testkit/learn.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'new-network-'));
});
afterEach(() => rm(folder, { recursive: true }));

const { network } = axesNetwork();
const written = (card: string) => ({ graph: Uint8Array.of(1), network, card, report: '' });

test('does not replace a network that another training wrote in the meantime', async () => {
  const out = join(folder, 'site-1');
  await writeNetwork(out, written('first'), false);
  await expect(writeNetwork(out, written('second'), false)).rejects.toMatchObject({ code: 'usage' });
  expect(await readFile(join(out, 'card.md'), 'utf8')).toBe('first');
  await writeNetwork(out, written('second'), true);
  expect(await readFile(join(out, 'card.md'), 'utf8')).toBe('second');
  expect(await readdir(folder)).toEqual(['site-1']);
});

test('does not replace a folder into which somebody put something in the meantime', async () => {
  const out = join(folder, 'site-1');
  await mkdir(out);
  await writeFile(join(out, 'thesis.txt'), '');
  await expect(writeNetwork(out, written(''), true)).rejects.toThrow(/it holds thesis.txt/);
  expect(await readdir(folder)).toEqual(['site-1']);
});
