import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'jsonc-parser';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { placeFile } from '../../../src/files/place.js';
import { declaredMetadata } from '../../../src/orthanc/capabilities.js';
import { OrthancConfiguration } from '../../../src/setup/orthanc-configuration.js';
import { planSetup } from '../../../src/setup/plan.js';
import { showChange } from '../../../src/setup/show.js';
import { runInProcess } from '../../../testkit/command-line.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plainview-setup-'));
});
afterEach(() => rm(folder, { recursive: true }));

const hook = '/etc/orthanc/plainview.lua';
/** @returns the files that setup would change, by name, as Orthanc reads them */
function added(files: Record<string, string>, user?: { name: string; password: string }) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const changed = new OrthancConfiguration(folder).with(hook, user);
  return Object.fromEntries([...changed].map(([path, text]) => [path.slice(folder.length + 1), parse(text)]));
}

const complete = { LuaScripts: [hook], UserMetadata: declaredMetadata, KeepAliveTimeout: 30 };

test('what no file has goes into a file of its own, and what is there stays as it is', () => {
  expect(added({})).toEqual({ 'plainview.json': complete });
  expect(added({ 'plainview.json': JSON.stringify(complete) })).toEqual({});
});

test('each line goes into the file that has its key; scripts, names and numbers of others stay', () => {
  const files = {
    'a.json': '{ // a comment\n "LuaScripts": ["/site/own.lua",], "Name": "x" }',
    'b.json': '{ "UserMetadata": { "Mine": 5101, "RadiographCategory": 6000 }, "KeepAliveTimeout": 5 }',
    'c.json': '{ "Gdcm": { "Throttling": 4 } }',
  };
  const result = added(files);
  expect(result).toEqual({
    'a.json': { LuaScripts: [hook, '/site/own.lua'], Name: 'x' },
    'b.json': {
      UserMetadata: expect.objectContaining({ Mine: 5101, RadiographCategory: 6000, Radiograph: 5102 }),
      KeepAliveTimeout: 5,
    },
    'c.json': { Gdcm: { Throttling: 4, RestrictTransferSyntaxes: expect.any(Array) } },
  });
  const numbers = Object.values<number>(result['b.json'].UserMetadata);
  expect(new Set(numbers).size).toBe(7);
});

test('a hook at another place, and a restricted or switched off GDCM, are left as they are', () => {
  const files = {
    'a.json': JSON.stringify({ ...complete, LuaScripts: ['/opt/plainview.lua'] }),
    'b.json': '{ "Gdcm": { "Enable": false } }',
  };
  expect(added(files)).toEqual({});
  expect(added({ 'b.json': '{ "Gdcm": { "RestrictTransferSyntaxes": ["1.2"] } }' })).toEqual({});
});

test.each([
  [{ RemoteAccessAllowed: true }, true],
  [{ RemoteAccessAllowed: false }, false],
  [{ RemoteAccessAllowed: true, AuthenticationEnabled: false }, false],
  [{}, false],
])('whether Orthanc asks for a password: %o', (given, needs) => {
  writeFileSync(join(folder, 'orthanc.json'), JSON.stringify(given));
  expect(new OrthancConfiguration(folder).needsLogin).toBe(needs);
});

test('a file that Orthanc could not read is named with its line, and nothing of its content', () => {
  writeFileSync(join(folder, 'orthanc.json'), '{\n "RegisteredUsers": { "a": "SECRET" \n "b" }');
  expect(() => new OrthancConfiguration(folder)).toThrow(/orthanc\.json cannot be read \(line 3: /);
  writeFileSync(join(folder, 'orthanc.json'), '{ "RegisteredUsers": { "a": ["SECRET"] } }');
  expect(() => new OrthancConfiguration(folder)).toThrow(
    /^(?!.*SECRET).*RegisteredUsers\.a has another form/,
  );
  expect(() => new OrthancConfiguration(join(folder, 'absent'))).toThrow('absent does not exist');
});

const wishes = (more: Partial<Parameters<typeof planSetup>[0]> = {}) => ({
  env: {},
  orthancUrl: 'http://pacs:8042',
  folder: join(folder, 'etc'),
  stateDir: '/var/lib/plainview',
  user: 'plainview',
  orthancUser: 'orthanc',
  ...more,
});

test('without the configuration of Orthanc, its lines are shown and only its own files written', () => {
  const { changes, linesForOrthanc } = planSetup(wishes());
  expect(changes.map(({ path }) => path.slice(folder.length))).toEqual(['/etc/secret', '/etc/env']);
  expect(parse(linesForOrthanc ?? '')).toMatchObject({ UserMetadata: declaredMetadata });
});

test('what somebody wrote into the environment file stays, and values are quoted for systemd and a shell', () => {
  mkdirSync(join(folder, 'etc'));
  writeFileSync(join(folder, 'etc', 'env'), '# mine\nPLAINVIEW_STATE_DIR=/data');
  const env = { PLAINVIEW_SWEEP: '0 3 * * 0', PLAINVIEW_NETWORK: 'nncpr', HOME: '/root' };
  const of = (given: NodeJS.ProcessEnv) =>
    planSetup(wishes({ env: given })).changes.find(({ path }) => path.endsWith('/env'))?.content;
  expect(of(env)).toBe(
    `# mine\nPLAINVIEW_STATE_DIR=/data\nPLAINVIEW_ORTHANC_URL=http://pacs:8042\nPLAINVIEW_SWEEP='0 3 * * 0'\nPLAINVIEW_NETWORK=nncpr\nPLAINVIEW_SECRET_FILE=${folder}/etc/secret\n`,
  );
  expect(() => of({ PLAINVIEW_LABELS: "it's" })).toThrow('no quote');
  for (const name of ['PLAINVIEW_ORTHANC_PASSWORD', 'PLAINVIEW_SECRET', 'PLAINVIEW_DATABASE_URL'])
    expect(() => of({ [name]: 'x' })).toThrow(`set ${name}_FILE instead`);
});

test('a change is shown by its lines, and a secret in it is not', () => {
  const change = { path: '/x', before: 'a\nb\n', content: 'a\nc "SECRET"\n', mode: 0o640, why: 'w' };
  expect(showChange(change, ['SECRET'])).toBe(
    '/x (changed; the old one is kept beside it): w\n  - b\n  + c "(not shown)"',
  );
});

test('passwords of other users in a line that changes are not shown', () => {
  const place = join(folder, 'orthanc.json');
  writeFileSync(place, '{ "AuthenticationEnabled": true, "RegisteredUsers": { "alice": "HUSHED \\"1\\"" } }');
  const { changes, secrets } = planSetup(wishes({ orthancConfiguration: place }));
  const shown = changes.map((change) => showChange(change, secrets)).join('\n');
  expect(shown).toMatch(/^ {2}\+ .*"plainview": ?"\(not shown\)"/m);
  expect(shown).not.toMatch(/HUSHED|[0-9a-f]{48}/);
});

test('the secret that there is, and the place that is given for it, are kept', () => {
  const file = join(folder, 'mine');
  writeFileSync(file, 'a secret that there is\n');
  const { changes } = planSetup(
    wishes({ env: { PLAINVIEW_SECRET_FILE: file }, orthancConfiguration: folder }),
  );
  const of = (end: string) => changes.find(({ path }) => path.endsWith(end))?.content;
  expect(of('/mine')).toBeUndefined();
  expect(of('/plainview-secret')).toBe('a secret that there is\n');
  expect(of('/env')).toContain(`PLAINVIEW_SECRET_FILE=${file}\n`);
});

test('a place that cannot be written is an error that says so', async () => {
  const me = execFileSync('id', ['-un'], { encoding: 'utf8' }).trim();
  writeFileSync(join(folder, 'orthanc.json'), '{}');
  const places = ['--folder', '/proc/plainview', '--orthanc-configuration', join(folder, 'orthanc.json')];
  const users = ['--user', me, '--orthanc-user', me, '--systemd', folder];
  const { status, stderr } = await runInProcess('setup', '--yes', ...users, ...places);
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(/secret cannot be written \(.*sudo/),
  });
});

test('a link to a file in a managed folder stays a link', async () => {
  const [target, link] = [join(folder, 'target'), join(folder, 'link')];
  writeFileSync(target, 'one');
  symlinkSync(target, link);
  await placeFile(link, 'two', { mode: 0o640, group: undefined });
  expect([readFileSync(target, 'utf8'), lstatSync(link).isSymbolicLink()]).toEqual(['two', true]);
});

test('a file that is there keeps its mode, and a new one gets its own', async () => {
  const path = join(folder, 'new', 'file');
  await placeFile(path, 'one', { mode: 0o640, group: undefined });
  expect(statSync(path).mode & 0o777).toBe(0o640);
  chmodSync(path, 0o604);
  await placeFile(path, 'two', { mode: 0o640, group: undefined });
  expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['two', 0o604]);
});

test('a user that is not on this machine stops it before anything is written', async () => {
  const places = ['--folder', join(folder, 'etc'), '--orthanc-configuration', folder, '--systemd', folder];
  const { status, stderr } = await runInProcess('setup', '--yes', '--user', 'nobody-of-the-tests', ...places);
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: expect.stringContaining('there is no user nobody-of-the-tests on this machine'),
  });
  expect(() => statSync(join(folder, 'etc'))).toThrow('ENOENT');
});
