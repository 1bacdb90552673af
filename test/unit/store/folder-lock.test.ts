import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFolder } from '../../../src/store/folder-lock.js';

const log = pino({ level: 'silent' });
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plainview-folder-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Another process that listens where a service does. */
async function otherProcess() {
  const child = spawn(process.execPath, [
    '-e',
    `require('node:net').createServer((c) => c.end('{}')).listen(process.argv[1], () => console.log('listens'))`,
    join(folder, 'service-other.lock'),
  ]);
  await once(child.stdout, 'data');
  return child;
}

const refusal = { code: 'state_in_use' };

test('a second one is refused and told who has the folder, until the first one releases it', async () => {
  const lock = await lockFolder(folder, log);
  await expect(lockFolder(folder, log)).rejects.toMatchObject({
    code: 'state_in_use',
    message: expect.stringContaining(`process ${process.pid} on ${hostname()}, since 20`),
  });
  await lock.release();
  await lock.release();
  await (await lockFolder(folder, log)).release();
  expect(await readdir(folder)).toEqual([]);
});

test('a process that was killed has the folder no longer', async () => {
  const child = await otherProcess();
  await expect(lockFolder(folder, log)).rejects.toMatchObject(refusal);
  child.kill('SIGKILL');
  await once(child, 'close');
  expect(await readdir(folder)).toEqual(['service-other.lock']);
  await (await lockFolder(folder, log)).release();
});

test('a process that is suspended still has it', async () => {
  const child = await otherProcess();
  child.kill('SIGSTOP');
  await expect(lockFolder(folder, log)).rejects.toMatchObject({
    code: 'state_in_use',
    message: expect.stringContaining('a process that does not answer'),
  });
  child.kill('SIGKILL');
});

test('of several at once, never two get the folder that a killed process left', async () => {
  for (let round = 0; round < 20; round++) {
    const child = await otherProcess();
    child.kill('SIGKILL');
    await once(child, 'close');
    const taken = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder, log)));
    const locks = taken.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(locks.length).toBeLessThanOrEqual(1);
    for (const each of taken) if (each.status === 'rejected') expect(each.reason).toMatchObject(refusal);
    for (const lock of locks) await lock.release();
    await (await lockFolder(folder, log)).release();
    expect(await readdir(folder)).toEqual([]);
  }
});

test('a folder with a long path is locked where it is', async () => {
  const deep = join(folder, ...Array.from({ length: 12 }, () => 'folder with a long name'));
  const lock = await lockFolder(deep, log);
  expect(await readdir(deep)).toEqual([expect.stringMatching(/^service-.+\.lock$/)]);
  await expect(lockFolder(deep, log)).rejects.toMatchObject(refusal);
  await lock.release();
});

test.skipIf(process.getuid?.() === 0)('a folder that cannot be written names the option', async () => {
  await chmod(folder, 0o500);
  await expect(lockFolder(folder, log)).rejects.toMatchObject({ code: 'state_unusable' });
  await chmod(folder, 0o700);
});
