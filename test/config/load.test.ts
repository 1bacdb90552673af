import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { options, variableOf } from '../../src/config/options.js';
import { optionsTable, withOptions } from '../../src/config/table.js';

describe('loadConfig', () => {
  test('an empty environment gives the documented defaults', () => {
    const config = loadConfig({});
    expect(config.orthancUrl).toBe('http://127.0.0.1:8042');
    expect(config.modalities).toEqual(['CR', 'DX', 'RG', 'PX', 'IO']);
    expect(config.secret).toBeUndefined();
  });

  test('values are parsed, an empty one counts as absent', () => {
    const config = loadConfig({ PLAINVIEW_PORT: '9000', PLAINVIEW_MODALITIES: 'CR, OT', PLAINVIEW_HOST: '' });
    expect(config).toMatchObject({ port: 9000, modalities: ['CR', 'OT'], host: '127.0.0.1' });
  });

  test('every wrong option is named at once, by its variable', () => {
    const env = { PLAINVIEW_PORT: 'x', PLAINVIEW_ENGINE: 'cuda', PLAINVIEW_ORTHANC_URL: 'ftp://pacs' };
    expect(() => loadConfig(env)).toThrow(/PLAINVIEW_ORTHANC_URL.*PLAINVIEW_PORT.*PLAINVIEW_ENGINE/);
  });

  test('a mistyped option stops the start', () => {
    expect(() => loadConfig({ PLAINVIEW_TRESHOLD: '0.5' })).toThrow(/PLAINVIEW_TRESHOLD: no such option/);
  });

  test("the hook's own variables are tolerated", () => {
    expect(() => loadConfig({ PLAINVIEW_HOOK_URL: 'http://127.0.0.1:8104/hook' })).not.toThrow();
  });

  test('a secret may come from a file; an unreadable file is named', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'plainview-')), 'secret');
    writeFileSync(file, '0123456789abcdef\n');
    expect(loadConfig({ PLAINVIEW_SECRET_FILE: file }).secret).toBe('0123456789abcdef');
    expect(() => loadConfig({ PLAINVIEW_SECRET_FILE: `${file}.gone` })).toThrow(/PLAINVIEW_SECRET_FILE/);
  });
});

test('every option has a row with its meaning', () => {
  const table = optionsTable();
  for (const name of Object.keys(options.shape)) {
    expect(options.shape[name as keyof typeof options.shape].description).toBeTruthy();
    expect(table).toContain(`\`${variableOf(name as keyof typeof options.shape)}\``);
  }
});

test('the README shows the options as they are (else: npm run docs)', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  expect(withOptions(readme)).toBe(readme);
  expect(readme).toContain('`PLAINVIEW_ORTHANC_URL`');
});
