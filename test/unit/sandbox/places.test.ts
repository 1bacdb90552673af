import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startOrthanc } from '../../../src/sandbox/orthanc.js';

const temporary = mkdtempSync(join(tmpdir(), 'plainview-places-'));
afterAll(() => rmSync(temporary, { recursive: true }));

test('the message names a folder that the sandbox cannot create, and the remedy', async () => {
  writeFileSync(join(temporary, 'file'), '');
  const folder = join(temporary, 'file', 'storage');
  await expect(startOrthanc({ folder })).rejects.toMatchObject({
    code: 'sandbox_unwritable',
    message: expect.stringMatching(/file.*Make that folder writable, or set PLAINVIEW_ORTHANC_URL/),
  });
});
