import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { StateFile } from '../../../src/store/state-file.js';

const folder = mkdtempSync(join(tmpdir(), 'plainview-state-'));
afterAll(() => rmSync(folder, { recursive: true }));
const open = (stateDir: string) => new StateFile(stateDir, 'it.json', z.number());

test('content that is written to a new folder is read again', async () => {
  const stateDir = join(folder, 'made', 'deep');
  await open(stateDir).write(7);
  expect(open(stateDir).read()).toBe(7);
});

const file = join(folder, 'file');
writeFileSync(file, '');
// Nobody can create a folder in /proc, not even root.
test.each([file, join(file, 'below'), ...(process.platform === 'linux' ? ['/proc/plainview/state'] : [])])(
  'a state folder %s that cannot be is refused at once, and the option is named',
  (stateDir) => {
    expect(() => open(stateDir)).toThrow(
      expect.objectContaining({
        code: 'state_unusable',
        message: expect.stringContaining('PLAINVIEW_STATE_DIR'),
      }),
    );
  },
);
