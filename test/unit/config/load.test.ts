import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { options, variableOf } from '../../../src/config/options.js';
import { insertOptionsTable, optionsTable } from '../../../src/config/readme-table.js';
import { shipped } from '../../../src/files/places.js';

describe('loadConfig', () => {
  test('an empty environment gives the documented defaults', () => {
    const config = loadConfig({});
    expect(config.orthancUrl).toEqual(['http://127.0.0.1:8042']);
    expect(config.modalities).toEqual(['CR', 'DX', 'RG', 'PX', 'IO']);
    expect(config.secret).toBeUndefined();
  });

  test('values are parsed; an empty value counts as absent', () => {
    const config = loadConfig({ PLAINVIEW_PORT: '9000', PLAINVIEW_MODALITIES: 'CR, OT', PLAINVIEW_HOST: '' });
    expect(config).toMatchObject({ port: 9000, modalities: ['CR', 'OT'], host: '127.0.0.1' });
  });

  test('the addresses of several Orthancs are separated by commas or blanks', () => {
    const env = { PLAINVIEW_ORTHANC_URL: ' http://a:8042,http://b:8042  https://pacs/orthanc ' };
    expect(loadConfig(env).orthancUrl).toEqual(['http://a:8042', 'http://b:8042', 'https://pacs/orthanc']);
  });

  test('the environment file of 0.1, with all its options, means what it meant', () => {
    const former = parseEnv(readFileSync('testkit/upgrade/env', 'utf8'));
    // `env.json` is what 0.1 read there. Of Orthanc there can be several now.
    const meant = JSON.parse(readFileSync('testkit/upgrade/env.json', 'utf8'));
    expect(loadConfig(former)).toMatchObject({ ...meant, orthancUrl: [meant.orthancUrl] });
  });

  test('all wrong options are named together, by their variables', () => {
    const env = { PLAINVIEW_PORT: 'x', PLAINVIEW_ENGINE: 'directml', PLAINVIEW_ORTHANC_URL: 'ftp://pacs' };
    expect(() => loadConfig(env)).toThrow(/PLAINVIEW_ORTHANC_URL.*PLAINVIEW_PORT.*PLAINVIEW_ENGINE/);
  });

  test.each([
    ['PLAINVIEW_PORT', 'abc', 'must be a whole number from 0 to 65535, not "abc"'],
    ['PLAINVIEW_PORT', '70000.5', 'must be a whole number from 0 to 65535, not "70000.5"'],
    ['PLAINVIEW_THRESHOLD', '95', 'must be a number from 0 to 1, not "95"'],
    [
      'PLAINVIEW_ENGINE',
      'directml',
      'must be one of auto, gpu, cuda, tfjs-gpu, onnxruntime, wasm, not "directml"',
    ],
    ['PLAINVIEW_MODALITIES', 'cr,dr', 'must be a list, separated by commas, of items like CR, not "cr,dr"'],
    ['PLAINVIEW_ORTHANC_URL', 'pacs', 'must be a web address (http://… or https://…), not "pacs"'],
    [
      'PLAINVIEW_ORTHANC_URL',
      'http://a:8042, pacs',
      'must be a web address (http://… or https://…), not "pacs"',
    ],
    ['PLAINVIEW_ORTHANC_URL', ', ,', 'must name at least one web address, not ", ,"'],
    ['PLAINVIEW_ADDRESS', 'a:8104', 'must be a web address (http://… or https://…), not "a:8104"'],
    ['PLAINVIEW_ADDRESS', 'http://a/b', 'must be an address without a path, not "http://a/b"'],
    [
      'PLAINVIEW_ADDRESS',
      'http://me:hunter2@a:8104',
      'must hold no user or password: they have options of their own',
    ],
    ...['http://0.0.0.0:8104', 'https://[::]'].map((url) => [
      'PLAINVIEW_ADDRESS',
      url,
      `must name one machine, as the others reach it, not "${url}"`,
    ]),
    ['PLAINVIEW_SWEEP_HOURS', '22-22', 'must begin and end at different hours, not "22-22"'],
    ['PLAINVIEW_SECRET', 'hunter2', 'must have 16 characters or more'],
    ['PLAINVIEW_ORTHANC_URL', 'pacs//me:hunter2@pacs', 'must be a web address (http://… or https://…)'],
  ])('%s=%s: the error says what the value must be and shows no secret', (variable, value, problem) => {
    expect(() => loadConfig({ [variable]: value })).toThrow(
      expect.objectContaining({ message: `The configuration cannot be used: ${variable}: ${problem}.` }),
    );
  });

  test('a mistyped option stops the start', () => {
    expect(() => loadConfig({ PLAINVIEW_TRESHOLD: '0.5' })).toThrow(/PLAINVIEW_TRESHOLD: no such option/);
  });

  test("the hook's own variables are tolerated", () => {
    expect(() => loadConfig({ PLAINVIEW_HOOK_URL: 'http://127.0.0.1:8104/hook' })).not.toThrow();
  });

  test('a secret can come from a file; an unreadable or empty file or a second source is an error', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'plainview-')), 'secret');
    writeFileSync(file, '0123456789abcdef\n');
    expect(loadConfig({ PLAINVIEW_SECRET_FILE: file }).secret).toBe('0123456789abcdef');
    expect(() => loadConfig({ PLAINVIEW_SECRET_FILE: `${file}.gone` })).toThrow(
      /PLAINVIEW_SECRET_FILE: .* does not exist/,
    );
    const both = { PLAINVIEW_SECRET: '0123456789abcdef', PLAINVIEW_SECRET_FILE: file };
    expect(() => loadConfig(both)).toThrow(/PLAINVIEW_SECRET and PLAINVIEW_SECRET_FILE are both set/);
    writeFileSync(file, '\n');
    expect(() => loadConfig({ PLAINVIEW_ORTHANC_PASSWORD_FILE: file })).toThrow(/PASSWORD_FILE: .* is empty/);
  });
});

test('the documented environment file means the same to a shell and to systemd', () => {
  const install = readFileSync(shipped('docs', 'install.md'), 'utf8');
  const [, file = ''] = /```sh\n(# \/etc\/plainview\/env\n[\s\S]*?)```/.exec(install) ?? [];
  const path = join(mkdtempSync(join(tmpdir(), 'plainview-')), 'env');
  writeFileSync(path, file);
  const sourced = execFileSync('sh', ['-ec', 'set -a; . "$0"; env -0', path], { encoding: 'utf8', env: {} });
  const given = sourced.split('\0').flatMap((each): [string, string][] => {
    const [name = '', ...value] = each.split('=');
    // The secret files do not exist on this machine.
    return name.startsWith('PLAINVIEW_') && !name.endsWith('_FILE') ? [[name, value.join('=')]] : [];
  });
  expect(loadConfig(Object.fromEntries(given))).toMatchObject({
    sweep: '0 3 * * 0',
    stateDir: '/var/lib/plainview',
  });
  expect(given.map(([name]) => name)).toContain('PLAINVIEW_SWEEP');
});

test('every option has a row with its meaning', () => {
  const table = optionsTable();
  for (const name of Object.keys(options.shape)) {
    expect(options.shape[name as keyof typeof options.shape].description).toBeTruthy();
    expect(table).toContain(`\`${variableOf(name as keyof typeof options.shape)}\``);
  }
});

test('the table shows the range of a number, the values of a choice, and the default of a list', () => {
  const table = optionsTable();
  expect(table).toContain('| `PLAINVIEW_ATTEMPTS` | `6` | 1 – 20 |');
  expect(table).toContain('| `PLAINVIEW_MULTIFRAME` | `first` | `first`, `middle`, `skip` |');
  expect(table).toContain('| `PLAINVIEW_MODALITIES` | `CR,DX,RG,PX,IO` |  |');
  const choices = Object.entries(options.shape).flatMap(([name, option]) => {
    const inner = 'unwrap' in option ? option.unwrap() : option;
    return 'options' in inner ? [{ name: name as keyof typeof options.shape, values: inner.options }] : [];
  });
  expect(choices.length).toBeGreaterThan(5);
  for (const { name, values } of choices)
    expect(table).toMatch(
      new RegExp(
        `\\| \`${variableOf(name)}\` \\| [^|]+ \\| ${values.map((value) => `\`${value}\``).join(', ')} \\|`,
      ),
    );
});

test('the README shows the options as they are (else: npm run docs)', () => {
  const readme = readFileSync(shipped('README.md'), 'utf8');
  expect(insertOptionsTable(readme)).toBe(readme);
  expect(readme).toContain('`PLAINVIEW_ORTHANC_URL`');
});

describe('links to viewers', () => {
  const load = (text: string) => loadConfig({ PLAINVIEW_VIEWERS: text }).viewers;

  test('are names and addresses with places for identifiers', () => {
    expect(
      load(
        'OHIF=https://pacs/ohif/viewer?StudyInstanceUIDs={StudyInstanceUID}  Stone_Web=/stone/?study={study}',
      ),
    ).toEqual([
      { name: 'OHIF', url: 'https://pacs/ohif/viewer?StudyInstanceUIDs={StudyInstanceUID}' },
      { name: 'Stone Web', url: '/stone/?study={study}' },
    ]);
  });

  test.each([
    'https://pacs/{StudyInstanceUID}',
    'A=https://pacs/viewer',
    'A=https://pacs/{PatientID}',
    'A=javascript:alert({study})',
    'A=//elsewhere/{study}',
    'A=https://{study}/',
    'A=https://user:word@pacs/{study}',
    'A=ftp://pacs/{study}',
  ])('%s stops the start', (text) => {
    expect(() => load(text)).toThrow(/PLAINVIEW_VIEWERS: must/);
  });
});
