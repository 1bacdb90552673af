import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyEdits, modify } from 'jsonc-parser';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { requireFiles } from '../../src/app/required-files.js';
import { examine } from '../../src/doctor/examine.js';
import { debianLaunch, provideDebianOrthanc } from '../../src/sandbox/debian.js';
import { freePort } from '../../src/sandbox/ports.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { runInProcess } from '../../testkit/command-line.js';
import { image } from '../../testkit/dicom.js';
import { waitFor } from '../../testkit/orthanc.js';
import { startTestService } from '../../testkit/service.js';
import { isOlder } from '../../testkit/variants.js';

const suite = isOlder ? 'trixie' : 'forky';
const me = execFileSync('id', ['-un'], { encoding: 'utf8' }).trim();
let folder: string;
/** Files of Orthanc's configuration, as Debian has them. */
let etc: string;
let ports: { orthanc: number; service: number };
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plainview-setup-'));
  etc = join(folder, 'etc-orthanc');
  const root = await provideDebianOrthanc(undefined, suite);
  cpSync(join(root, 'etc', 'orthanc'), etc, { recursive: true });
  ports = { orthanc: await freePort(), service: await freePort() };
  await mkdir(join(folder, 'storage'));
  // What an administrator of this machine has changed, with all comments left.
  edit('orthanc.json', {
    Plugins: [],
    HttpPort: ports.orthanc,
    StorageDirectory: join(folder, 'storage'),
    DicomServerEnabled: false,
    RemoteAccessAllowed: true,
    LuaScripts: [],
  });
  edit('credentials.json', { RegisteredUsers: { alice: 'password of alice' } });
  edit('advanced.json', { UserMetadata: { Mine: 5101 } });
  for (const name of [
    'python.json',
    'dicomweb.json',
    'postgresql.json',
    'worklists.json',
    'serve-folders.json',
  ])
    await rm(join(etc, name), { force: true });
  env = {
    PLAINVIEW_ORTHANC_URL: `http://127.0.0.1:${ports.orthanc}`,
    PLAINVIEW_PORT: String(ports.service),
    PLAINVIEW_SWEEP: '0 3 * * 0',
  };
});
afterAll(() => rm(folder, { recursive: true }));

function edit(name: string, values: Record<string, unknown>): void {
  const file = join(etc, name);
  let text = readFileSync(file, 'utf8');
  for (const [key, value] of Object.entries(values)) text = applyEdits(text, modify(text, [key], value, {}));
  writeFileSync(file, text);
}

async function setup(...args: string[]) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const places = ['--folder', join(folder, 'etc-plainview'), '--state', join(folder, 'state')];
  const units = ['--systemd', join(folder, 'units'), '--orthanc-configuration', etc];
  try {
    return await runInProcess('setup', ...places, ...units, '--user', me, '--orthanc-user', me, ...args);
  } finally {
    vi.unstubAllEnvs();
  }
}

const files = () => readdirSync(folder, { recursive: true }).map(String).toSorted();
const variables = (text: string, prefix = '') =>
  Object.fromEntries(
    [...text.matchAll(new RegExp(`^${prefix}(PLAINVIEW_\\w+)='?(.*?)'?$`, 'gm'))].map(([, name, value]) => [
      name,
      value,
    ]),
  ) as Record<string, string>;

test('it shows what it would change without secrets, and changes nothing unless somebody agrees', async () => {
  const before = files();
  const shown = await setup('--dry-run');
  expect(shown).toMatchObject({ status: 0, stderr: '' });
  expect(shown.stdout).toMatch(
    /etc-plainview\/env \(new, mode 0640, group of \S+\): the environment of the service/,
  );
  expect(shown.stdout).toContain('+   "KeepAliveTimeout" : 30,');
  expect(shown.stdout).toContain("+ PLAINVIEW_SWEEP='0 3 * * 0'");
  expect(shown.stdout).not.toMatch(/[0-9a-f]{48}/);
  // Nobody can be asked.
  expect(await setup()).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('give --yes, or --dry-run'),
  });
  expect(files()).toEqual(before);
});

test("after it, Debian's own configuration with passwords works: the hook reports, and the doctor finds nothing", async () => {
  expect(await setup('--yes')).toMatchObject({ status: 0, stderr: '' });
  for (const secret of [
    'etc-plainview/secret',
    'etc-plainview/orthanc-password',
    'etc-orthanc/plainview-secret',
  ])
    expect((statSync(join(folder, secret)).mode & 0o777).toString(8)).toBe('640');
  const unit = readFileSync(join(folder, 'units', 'orthanc.service.d', 'plainview.conf'), 'utf8');
  const advanced = readFileSync(join(etc, 'advanced.json'), 'utf8');
  expect(advanced).toContain('// Dictionary of symbolic names for the user-defined types of');
  // The number of another name is not taken twice.
  expect(advanced).toMatch(/"Radiograph"\s*:\s*5102/);
  expect(readFileSync(join(etc, 'credentials.json.before-plainview'), 'utf8')).not.toContain('"plainview"');

  expect(await setup('--yes')).toMatchObject({ stdout: expect.stringContaining('Everything is in place') });

  const spec = { folder, port: ports.orthanc, configuration: {}, luaScripts: [], plugins: [], env: {} };
  const launch = await debianLaunch(await provideDebianOrthanc(undefined, suite), spec);
  const orthanc = spawn(launch.command, [...launch.args.slice(0, -1), etc], {
    env: { ...launch.env, ...variables(unit, 'Environment=') },
    stdio: 'ignore',
  });
  try {
    const url = `http://127.0.0.1:${ports.orthanc}`;
    await waitFor(async () => (await fetch(`${url}/system`).catch(() => undefined))?.status === 401);
    const given = variables(readFileSync(join(folder, 'etc-plainview', 'env'), 'utf8'));
    expect(given).toMatchObject({ ...env, PLAINVIEW_ORTHANC_USERNAME: 'plainview' });
    const { PLAINVIEW_SECRET_FILE: secretFile = '', PLAINVIEW_STATE_DIR: stateDir = '' } = given;
    await mkdir(stateDir, { mode: 0o700 });
    const secret = readFileSync(secretFile, 'utf8').trim();
    const { PLAINVIEW_SECRET_FILE: _, ...others } = given;
    const service = await startTestService({
      orthanc: url,
      hook: { secret, port: ports.service },
      classifier: stubClassifier(),
      stateDir,
      env: others,
    });
    try {
      const withAlice = url.replace('//', `//alice:${encodeURIComponent('password of alice')}@`);
      const { username, password, origin } = new URL(withAlice);
      const authorization = `Basic ${Buffer.from(`${username}:${decodeURIComponent(password)}`).toString('base64')}`;
      const stored = await fetch(`${origin}/instances`, {
        method: 'POST',
        headers: { authorization },
        body: Buffer.from(image()),
      });
      expect(stored.status).toBe(200);
      await waitFor(async () => /notices_total\{outcome="accepted"\} 1/.test(await service.metrics()));
      const { ID } = (await stored.json()) as { ID: string };
      const labels = async () =>
        (await fetch(`${origin}/instances/${ID}/labels`, { headers: { authorization } })).json();
      await waitFor(async () => JSON.stringify(await labels()) === '["knee_lateral"]');
      const examined = async (more: Record<string, string> = {}) =>
        (await examine({ env: { ...given, ...more }, requireFiles, who: 'tester' }))
          .filter(({ severity, code }) => severity !== 'note' && code !== 'node_ended')
          .map(({ code }) => code);
      expect(await examined()).toEqual(isOlder ? ['weak_version', 'weak_version'] : []);
      writeFileSync(join(folder, 'wrong'), 'no password of anybody');
      expect(await examined({ PLAINVIEW_ORTHANC_PASSWORD_FILE: join(folder, 'wrong') })).toEqual([
        'secret_readable',
        'orthanc_refused',
      ]);
    } finally {
      await service.stop();
    }
  } finally {
    const ended = once(orthanc, 'exit');
    orthanc.kill('SIGKILL');
    await ended;
  }
});
