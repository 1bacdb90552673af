import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { shipped } from '../../../src/files/places.js';
import { replaceFile } from '../../../src/files/replace.js';
import { FolderStore } from '../../../src/store/folder-store.js';

vi.mock('node:fs/promises', async (original) => ({ ...(await original<typeof fs>()) }));

let folder = '';
let file = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plainview-replace-'));
  file = join(folder, 'it');
  await writeFile(file, 'old');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

/**
 * Records each disk operation and the file's content after it. The operation number `failAt` fails before it has an
 * effect.
 */
async function watchSteps(failAt?: number): Promise<string[]> {
  const real = await vi.importActual<typeof fs>('node:fs/promises');
  const steps: string[] = [];
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    if (steps.length === failAt) throw Object.assign(new Error('no disk'), { code: 'EIO' });
    const result = await work();
    steps.push(`${name}: ${await real.readFile(file, 'utf8')}`);
    return result;
  };
  vi.spyOn(fs, 'open').mockImplementation(async (path, ...rest) => {
    const handle = await real.open(path, ...rest);
    const sync = handle.sync.bind(handle);
    handle.sync = () => step(`sync ${basename(String(path))}`, sync);
    return handle;
  });
  vi.spyOn(fs, 'rename').mockImplementation((from, to) =>
    step(`rename to ${basename(String(to))}`, () => real.rename(from, to)),
  );
  return steps;
}

const replace = () => replaceFile(file, (part) => writeFile(part, 'new'));

test('the content is synced before the rename, and the folder last', async () => {
  const steps = await watchSteps();
  await replace();
  expect(steps).toEqual(['sync it.part: old', 'rename to it: new', `sync ${basename(folder)}: new`]);
});

test.each([0, 1, 2])('a failure at step %i leaves complete content and no other file', async (failAt) => {
  await watchSteps(failAt);
  await expect(replace()).rejects.toThrow('no disk');
  expect(await readFile(file, 'utf8')).toBe(failAt < 2 ? 'old' : 'new');
  expect(await readdir(folder)).toEqual(['it']);
});

test('a file system that cannot sync folders is no error', async () => {
  const steps = await watchSteps();
  const open = vi.mocked(fs.open).getMockImplementation();
  vi.mocked(fs.open).mockImplementation(async (path, ...rest) => {
    if (path === folder) throw Object.assign(new Error('not for folders'), { code: 'EINVAL' });
    if (open === undefined) throw new Error('no mock');
    return open(path, ...rest);
  });
  await replace();
  expect(steps.at(-1)).toBe('rename to it: new');
});

test('a write that fails half-way leaves the old content', async () => {
  await expect(
    replaceFile(file, async (part) => {
      await writeFile(part, 'ne');
      throw new Error('broke off');
    }),
  ).rejects.toThrow('broke off');
  expect(await readFile(file, 'utf8')).toBe('old');
  expect(await readdir(folder)).toEqual(['it']);
});

test('a process that is killed while it writes leaves one complete content', async () => {
  const size = 300_000;
  const script = `
    import { writeFile } from 'node:fs/promises';
    import { replaceFile } from ${JSON.stringify(pathToFileURL(shipped('src', 'files', 'replace.ts')).href)};
    console.log('ready');
    for (let i = 0; ; i++) {
      const content = String(i % 10).repeat(${size});
      await replaceFile(${JSON.stringify(file)}, (part) => writeFile(part, content));
    }`;
  for (const afterMs of [3, 17, 40]) {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    await delay(afterMs);
    child.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(await readFile(file, 'utf8')).toMatch(new RegExp(`^(old|(\\d)\\2{${size - 1}})$`));
  }
});

test('only the owner can read a state file, also after it is replaced', async () => {
  const state = new FolderStore(folder);
  await state.write('state', 1);
  await state.write('state', 2);
  expect((await stat(join(folder, 'state.json'))).mode & 0o777).toBe(0o600);
  expect(await state.read('state', z.number())).toBe(2);
});
