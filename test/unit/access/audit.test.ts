import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { auditTrail } from '../../../src/access/audit.js';

const folder = mkdtempSync(join(tmpdir(), 'plainview-audit-'));
afterAll(() => rmSync(folder, { recursive: true }));
const silent = pino({ level: 'silent' });

test.each([folder, join(folder, 'none', 'audit.jsonl')])(
  'throws config_invalid, naming the option, where %s cannot be written',
  (file) => {
    expect(() => auditTrail(file, silent)).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringContaining('PLAINVIEW_AUDIT_FILE'),
      }),
    );
  },
);

test('appends to an existing file, which only its owner can read', async () => {
  const file = join(folder, 'audit.jsonl');
  const caller = { who: 'alice', role: 'admin', how: 'token' } as const;
  for (const target of ['one', 'two']) await auditTrail(file, silent)({ caller, action: 'sweep', target });
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { target: string }).target)).toEqual(['one', 'two']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});
