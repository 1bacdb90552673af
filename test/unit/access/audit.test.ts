import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { auditTrail } from '../../../src/access/audit.js';

const folder = mkdtempSync(join(tmpdir(), 'plainview-audit-'));
afterAll(() => rmSync(folder, { recursive: true }));
const silent = pino({ level: 'silent' });
const caller = { who: 'alice', role: 'admin', how: 'token' } as const;
const noneLost = (entries: number) => {
  throw new Error(`${entries} entries are lost`);
};
const linesOf = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { target: string });

test.each([folder, join(folder, 'none', 'audit.jsonl')])(
  'throws config_invalid, naming the option, where %s cannot be written',
  (auditFile) => {
    expect(() => auditTrail({ auditFile, auditViews: 'off' }, silent, noneLost)).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringContaining('PLAINVIEW_AUDIT_FILE'),
      }),
    );
  },
);

test('views without a file to write them to stop the start', () => {
  expect(() => auditTrail({ auditFile: undefined, auditViews: 'on' }, silent, noneLost)).toThrow(
    /PLAINVIEW_AUDIT_FILE: must be set for PLAINVIEW_AUDIT_VIEWS=on/,
  );
});

test('appends to an existing file, which only its owner can read', async () => {
  const auditFile = join(folder, 'audit.jsonl');
  for (const target of ['one', 'two'])
    await auditTrail({ auditFile, auditViews: 'off' }, silent, noneLost)({ caller, action: 'sweep', target });
  expect(linesOf(auditFile).map(({ target }) => target)).toEqual(['one', 'two']);
  expect(statSync(auditFile).mode & 0o777).toBe(0o600);
});

test.each([
  ['on', ['one', 'two']],
  ['off', ['two']],
] as const)('with PLAINVIEW_AUDIT_VIEWS=%s the file holds %j', async (auditViews, targets) => {
  const auditFile = join(folder, `views-${auditViews}.jsonl`);
  const audit = auditTrail({ auditFile, auditViews }, silent, noneLost);
  await audit({ caller, action: 'view', target: 'one' });
  await audit({ caller, action: 'sweep', target: 'two' });
  expect(linesOf(auditFile).map(({ target }) => target)).toEqual(targets);
});

test('many entries at once are whole lines, in their order; the file may be moved away', async () => {
  const auditFile = join(folder, 'many.jsonl');
  const audit = auditTrail({ auditFile, auditViews: 'on' }, silent, noneLost);
  const write = (from: number) =>
    Promise.all(
      Array.from({ length: 500 }, (_, n) => audit({ caller, action: 'view', target: `${from + n}` })),
    );
  await write(0);
  renameSync(auditFile, `${auditFile}.1`);
  await write(500);
  const written = [...linesOf(`${auditFile}.1`), ...linesOf(auditFile)];
  expect(written.map(({ target }) => Number(target))).toEqual(Array.from({ length: 1000 }, (_, n) => n));
});

test('an entry that cannot be written is counted and logged, and fails nothing; later ones are written', async () => {
  const auditFile = join(folder, 'later', 'audit.jsonl');
  mkdirSync(join(folder, 'later'));
  const logged: string[] = [];
  const log = pino({ level: 'error' }, { write: (line) => void logged.push(line) });
  let lost = 0;
  const audit = auditTrail({ auditFile, auditViews: 'on' }, log, (entries) => {
    lost += entries;
  });
  rmSync(join(folder, 'later'), { recursive: true });
  await audit({ caller, action: 'view', target: 'one' });
  expect(lost).toBe(1);
  expect(logged.join('')).toContain('the audit trail cannot be written');
  mkdirSync(join(folder, 'later'));
  await audit({ caller, action: 'view', target: 'two' });
  expect(linesOf(auditFile).map(({ target }) => target)).toEqual(['two']);
});
