import { afterEach, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../../src/files/temporary.js';

afterEach(() => vi.unstubAllEnvs());

// Nobody can create a folder in /proc, not even root.
test.each(['/nowhere/at/all', '/proc'])(
  'a TMPDIR %s that takes no file is named, with the remedy',
  async (folder) => {
    vi.stubEnv('TMPDIR', folder);
    await expect(temporaryFolder('plainview-')).rejects.toMatchObject({
      code: 'temporary_unusable',
      message: expect.stringMatching(new RegExp(`${folder} \\(.*\\)\\. Set TMPDIR`)),
    });
  },
);
