import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { shipped } from '../../../src/files/places.js';
import { plainview, runPlainview } from '../../../testkit/cli.js';

// Others are in the unit tests, without a process for each.
it('a wrong call says why, and ends with 2', async () => {
  const { status, stdout, stderr } = await runPlainview(['nope']);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/unknown command 'nope'/);
});

it('help that is asked for is none', async () => {
  expect(await runPlainview(['rules', '--help'])).toMatchObject({ status: 0, stderr: '' });
});

const folder = mkdtempSync(join(tmpdir(), 'plainview-loaded-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The packages that a command loads, also in the processes that it starts. */
async function packagesOf(...args: string[]): Promise<string[]> {
  const list = join(folder, 'modules');
  const hooks = pathToFileURL(shipped('testkit', 'loaded-packages.mjs'));
  const { ended } = plainview(args, { NODE_OPTIONS: `--import=${hooks}`, LOADED_MODULES: list });
  expect(await ended).toBe(0);
  const names = readFileSync(list, 'utf8').matchAll(/node_modules\/((?:@[^/]+\/)?[^/\n]+)/g);
  rmSync(list);
  return [...new Set([...names].map(([, name]) => name ?? ''))].sort();
}

it('help loads only what prints it, also that of the service', async () => {
  expect(await packagesOf('--help')).toEqual(['commander']);
  expect(await packagesOf('serve', '--help')).not.toContain('express');
});

it('what classifies one picture loads nothing for other formats, other engines and the service', async () => {
  const loaded = await packagesOf('label', shipped('testkit', 'golden', 'pictures', 'grey.jpg'));
  expect(loaded).toEqual(expect.arrayContaining(['commander', 'zod', 'protobufjs']));
  for (const other of [
    'sharp',
    '@tensorflow/tfjs-node-gpu',
    'dicom-parser',
    'bmp-ts',
    'axios',
    'express',
    'pino',
  ])
    expect(loaded).not.toContain(other);
});

it.each([[['options']], [['evaluate', '--help']], [['--version']], [['explorer2']]])(
  'ends silently when nobody reads standard output: %j',
  async (args) => {
    const { status, stderr } = await runPlainview(args, { readNothing: true });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  },
);
