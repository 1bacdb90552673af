import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FolderStore } from '../../../src/store/folder-store.js';
import { Suspects } from '../../../src/store/suspects.js';

describe('suspect files', () => {
  let folder = '';
  const open = () => new Suspects(new FolderStore(folder), pino({ level: 'silent' }));
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plainview-suspects-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('are known to each process, whichever put them, and do not replace each other', async () => {
    const [one, two] = [open(), open()];
    await Promise.all([one.put('a', { times: 1, at: 'picture' }), two.put('b', { times: 2, at: 'picture' })]);
    await two.put('a header', { times: 3, at: 'header' });
    for (const each of [one, two, open()])
      expect(await Promise.all(['a', 'b', 'a header'].map((key) => each.of(key)))).toMatchObject([
        { times: 1 },
        { times: 2 },
        { times: 3, at: 'header' },
      ]);
    await one.drop('a');
    expect(await two.of('a')).toBeUndefined();
    expect(await two.of('a header')).toMatchObject({ times: 3 });
  });

  test('of which one record is damaged keep the others', async () => {
    await open().put('a', { times: 1, at: '' });
    await open().put('b', { times: 2, at: '' });
    await writeFile(join(folder, 'suspects', 'a.json'), '{"times":');
    expect(await open().of('a')).toBeUndefined();
    expect(await open().of('b')).toMatchObject({ times: 2 });
    await open().put('a', { times: 1, at: '' });
    expect(await open().of('a')).toMatchObject({ times: 1 });
  });
});
