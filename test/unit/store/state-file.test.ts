import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { pino } from 'pino';
import { afterAll, describe, expect, test } from 'vitest';
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

describe('a damaged file', () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const damaged = (name: string, content: string): string => {
    const stateDir = join(folder, name);
    mkdirSync(stateDir);
    writeFileSync(join(stateDir, 'it.json'), content);
    lines.splice(0);
    return stateDir;
  };

  test.each([
    ['empty', ''],
    ['garbage', '\0\0\0\0'],
    ['cut off', '[7'],
    ['of another shape', '{"since":"SECRET^NAME"}'],
  ])('%s is an error that names it, and shows nothing of its content', (name, content) => {
    const stateDir = damaged(`strict ${name}`, content);
    let caught: unknown;
    try {
      open(stateDir).read();
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({
      code: 'state_damaged',
      message: expect.stringContaining(join(stateDir, 'it.json')),
    });
    expect(inspect(caught)).not.toContain('SECRET');
    expect(readFileSync(join(stateDir, 'it.json'), 'utf8')).toBe(content);
  });

  test('is set aside where it can be found again, which the log tells once', async () => {
    const stateDir = damaged('aside', '{"half":');
    expect(open(stateDir).readOrSetAside(log)).toBe('damaged');
    expect(open(stateDir).readOrSetAside(log)).toBeUndefined();
    expect(readFileSync(join(stateDir, 'it.json.damaged'), 'utf8')).toBe('{"half":');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(join(stateDir, 'it.json.damaged'));
    await open(stateDir).write(7);
    expect(open(stateDir).readOrSetAside(log)).toBe(7);
  });

  test('that may not be read is no damaged one: it stays where it is', () => {
    const stateDir = join(folder, 'unreadable');
    mkdirSync(join(stateDir, 'it.json'), { recursive: true });
    expect(() => open(stateDir).readOrSetAside(log)).toThrow(
      expect.objectContaining({ code: 'state_unusable' }),
    );
  });
});
