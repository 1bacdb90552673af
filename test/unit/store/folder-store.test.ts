import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { FolderStore } from '../../../src/store/folder-store.js';
import { readOrSetAside } from '../../../src/store/store.js';
import { storeConformance } from './conformance.js';

const folder = mkdtempSync(join(tmpdir(), 'plainview-state-'));
afterAll(() => rmSync(folder, { recursive: true }));
const deep = join(folder, 'made', 'deep');

storeConformance(() => ({
  open: async () => new FolderStore(deep),
  damage: async (key, content) => {
    const file = join(deep, `${key}.json`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  },
  address: () => ['folder', deep],
}));

const file = join(folder, 'file');
writeFileSync(file, '');
// Nobody can create a folder in /proc, not even root.
test.each([file, join(file, 'below'), ...(process.platform === 'linux' ? ['/proc/plainview/state'] : [])])(
  'a state folder %s that cannot be is refused at once, and the option is named',
  (stateDir) => {
    expect(() => new FolderStore(stateDir)).toThrow(
      expect.objectContaining({
        code: 'state_unusable',
        message: expect.stringContaining('PLAINVIEW_STATE_DIR'),
      }),
    );
  },
);

test.each(['it', 'deep/it'])(
  'a state folder that is gone, with its disk say, is not made again for %s',
  async (key) => {
    const stateDir = join(folder, 'gone');
    const store = new FolderStore(stateDir);
    await store.write(key, 1);
    rmSync(stateDir, { recursive: true });
    await expect(store.write(key, 1)).rejects.toMatchObject({ code: 'state_unusable' });
    expect(existsSync(stateDir)).toBe(false);
    // What people decided is not forgotten, but away.
    for (const use of [
      () => store.read(key, z.unknown()),
      () => store.has(key),
      () => store.names('deep'),
      () => store.remove(key),
    ])
      await expect(use()).rejects.toMatchObject({ code: 'state_unusable' });
  },
);

test('a damaged file is set aside beside itself, whole', async () => {
  const stateDir = join(folder, 'aside');
  mkdirSync(stateDir);
  writeFileSync(join(stateDir, 'it.json'), '{"half":');
  await readOrSetAside(new FolderStore(stateDir), 'it', z.number(), pino({ level: 'silent' }));
  expect(readFileSync(join(stateDir, 'it.json.damaged'), 'utf8')).toBe('{"half":');
});

test('a file that may not be read is no damaged one: it stays where it is', async () => {
  const stateDir = join(folder, 'unreadable');
  mkdirSync(join(stateDir, 'it.json'), { recursive: true });
  await expect(
    readOrSetAside(new FolderStore(stateDir), 'it', z.number(), pino({ level: 'silent' })),
  ).rejects.toMatchObject({ code: 'state_unusable' });
});
