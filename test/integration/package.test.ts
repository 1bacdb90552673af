import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyEdits, modify } from 'jsonc-parser';
import { afterAll, expect, test } from 'vitest';
import { version } from '../../src/config/version.js';
import { shipped } from '../../src/files/places.js';
import { debianLaunch, provideDebianOrthanc } from '../../src/sandbox/debian.js';
import { freePort } from '../../src/sandbox/ports.js';
import { DebianRoot } from '../../testkit/debian-root.js';
import { sbomProblems } from '../../testkit/sbom.js';
import { waitFor } from '../../testkit/wait-for.js';

const { commit } = JSON.parse(readFileSync(shipped('dist', 'build.json'), 'utf8')) as { commit: string };
const packageFile = shipped('release', `plainview_${version}_amd64.deb`);
const why = whyNot();
const installed = why === undefined ? await provideDebianOrthanc(undefined, 'forky') : '';
const root = why ?? DebianRoot.create('bookworm', [installed]);
if (typeof root === 'string') console.warn(`The package was not tested: ${root}.`);
const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends.reverse()) await end();
  if (typeof root !== 'string') root.discard();
});

/** Why the package cannot be tried; undefined where it can. */
function whyNot(): string | undefined {
  if (!existsSync(packageFile)) return 'there is none; `npm run release` makes it';
  const bom = readFileSync(shipped('release', `plainview-${version}.cdx.json`), 'utf8');
  if (!bom.includes(`"value": "${commit}"`)) return 'the one in release/ is of another commit than dist/';
  return process.getuid?.() === 0 ? undefined : 'only root can make a fresh root';
}

test('the SBOM of the release is valid', async (context) => {
  if (why !== undefined) return context.skip(why);
  expect(
    await sbomProblems(readFileSync(shipped('release', `plainview-${version}.cdx.json`), 'utf8')),
  ).toBeNull();
});

/** The unit's line of the name. */
const unitLine = (unit: string, name: string): string =>
  new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';

test('from nothing to a labelled radiograph by the documented commands, and back', async (context) => {
  if (typeof root === 'string') return context.skip(root);
  const ports = { orthanc: await freePort(), service: await freePort() };
  const url = `http://127.0.0.1:${ports.orthanc}`;
  // An Orthanc that is there: its user, and its package's configuration with passwords.
  root.must(['adduser', '--system', '--group', '--quiet', '--home', '/var/lib/orthanc', 'orthanc']);
  const etc = join(root.path, 'etc', 'orthanc');
  cpSync(join(installed, 'etc', 'orthanc'), etc, { recursive: true });
  for (const name of ['python', 'dicomweb', 'postgresql', 'worklists', 'serve-folders'])
    rmSync(join(etc, `${name}.json`), { force: true });
  edit(join(etc, 'orthanc.json'), {
    Plugins: [],
    HttpPort: ports.orthanc,
    StorageDirectory: '/var/lib/orthanc/db-v6',
    HttpBindAddresses: ['127.0.0.1'],
    // Then it asks for passwords.
    RemoteAccessAllowed: true,
    DicomServerEnabled: false,
    LuaScripts: [],
  });
  edit(join(etc, 'credentials.json'), { RegisteredUsers: { alice: 'a password' } });
  const launch = await debianLaunch(installed, {
    ...{ folder: join(root.path, 'tmp'), port: 0, configuration: {}, luaScripts: [], plugins: [], env: {} },
  });
  root.must(['chown', '-R', 'orthanc:', '/etc/orthanc', '/var/lib/orthanc']);
  const before = root.files('/etc');

  const began = performance.now();
  cpSync(packageFile, join(root.path, 'tmp', 'plainview.deb'));
  root.must(['apt-get', 'install', '-y', '-qq', '/tmp/plainview.deb']);
  const installedAfter = performance.now() - began;
  expect(root.must(['plainview', '--version'])).toBe(`${version} (${commit})\n`);
  const modes = root.must([
    'stat',
    '-c',
    '%a %U:%G %n',
    '/etc/plainview',
    '/etc/plainview/env',
    '/var/lib/plainview',
  ]);
  expect(modes.trim().split('\n')).toEqual([
    '750 root:plainview /etc/plainview',
    '640 root:plainview /etc/plainview/env',
    '700 plainview:plainview /var/lib/plainview',
  ]);

  const given = { PLAINVIEW_ORTHANC_URL: url, PLAINVIEW_PORT: String(ports.service) };
  const setup = root.must(['plainview', 'setup', '--yes'], { env: given });
  expect(setup).toContain('Now restart Orthanc');
  const unitOfOrthanc = readFileSync(
    join(root.path, 'etc/systemd/system/orthanc.service.d/plainview.conf'),
    'utf8',
  );
  const environment = Object.fromEntries(
    [...unitOfOrthanc.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  );
  const [loader, ...args] = [launch.command, ...launch.args.slice(0, -1), '/etc/orthanc'];
  const orthanc = root.start([loader, ...args], {
    user: 'orthanc',
    env: { ...(launch.env as Record<string, string>), ...environment },
  });
  let words = '';
  orthanc.stderr?.on('data', (chunk) => {
    words += String(chunk);
  });
  ends.push(() => orthanc.kill('SIGKILL'));
  await waitFor(async () => (await fetch(`${url}/system`).catch(() => undefined))?.status === 401, {
    timeout: 20_000,
  }).catch((error) => {
    throw new Error(words, { cause: error });
  });

  // There is no systemd in this root, so what its unit says is done by hand.
  const unit = root.must(['cat', '/usr/lib/systemd/system/plainview.service']);
  const start = `umask ${unitLine(unit, 'UMask')}; cd ${unitLine(unit, 'WorkingDirectory')}; set -a; . ${unitLine(unit, 'EnvironmentFile')}; exec ${unitLine(unit, 'ExecStart')}`;
  const service = root.start(['sh', '-c', start], {
    user: unitLine(unit, 'User'),
    env: { NODE_ENV: 'production' },
  });
  let log = '';
  service.stdout?.on('data', (chunk) => {
    log += String(chunk);
  });
  ends.push(() => service.kill('SIGKILL'));
  await waitFor(() => log.includes('Orthanc answers'), { timeout: 60_000 });

  const authorization = `Basic ${Buffer.from('alice:a password').toString('base64')}`;
  const call = async (path: string, body?: string) =>
    (
      await fetch(`${url}${path}`, {
        headers: { authorization },
        ...(body === undefined ? {} : { method: 'POST', body }),
      })
    ).json();
  const picture = readFileSync(shipped('samples', 'chest_composite.png')).toString('base64');
  const { ID } = (await call(
    '/tools/create-dicom',
    JSON.stringify({
      Tags: { Modality: 'DX', SOPClassUID: '1.2.840.10008.5.1.4.1.1.1.1', PatientID: 'TEST' },
      Content: `data:image/png;base64,${picture}`,
    }),
  )) as { ID: string };
  const labels = async () => (await call(`/instances/${ID}/labels`)) as string[];
  await waitFor(async () => (await labels()).length > 0);
  expect(await labels()).toEqual(['chest_pa_ap']);
  console.log(
    `installed after ${(installedAfter / 1000).toFixed(1)} s, labelled after ${((performance.now() - began) / 1000).toFixed(1)} s`,
  );

  // The command has the environment of the service, also where root calls it; what root sets counts more.
  expect(root.must(['plainview', 'find', '--category', 'chest_*'])).toContain('chest_pa_ap');
  const elsewhere = root.run(['plainview', 'find', '--all'], {
    env: { PLAINVIEW_ORTHANC_URL: 'http://127.0.0.1:1' },
  });
  expect(elsewhere).toMatchObject({ status: 1, stderr: expect.stringContaining('127.0.0.1:1') });
  expect(root.run(['plainview', 'doctor'])).toMatchObject({ status: 0 });
  const stranger = root.run(['plainview', '--version'], { user: 'games' });
  expect(stranger).toMatchObject({ status: 0, stderr: expect.stringContaining('sudo plainview') });
  expect(root.must(['find', '/var/lib/plainview', '-not', '-user', 'plainview', '-o', '-perm', '/077'])).toBe(
    '',
  );

  // An upgrade keeps configuration, secrets and state, and takes away what the newer package does not have.
  const env = readFileSync(join(root.path, 'etc/plainview/env'), 'utf8');
  const kept = () =>
    root.must([
      'sh',
      '-c',
      'find /etc/plainview /var/lib/plainview -type f -exec md5sum {} + -exec stat -c "%a %U:%G %n" {} +',
    ]);
  const lines = (text: string) =>
    text
      .split('\n')
      .filter((line) => !/ \/var\/lib\/plainview\/(probe|changes)\.json/.test(line))
      .sort();
  const beforeUpgrade = lines(kept());
  expect(beforeUpgrade.length).toBeGreaterThan(6);
  const readme = join(root.path, 'usr/lib/plainview/README.md');
  expect(existsSync(readme)).toBe(true);
  root.must(['dpkg-deb', '-R', '/tmp/plainview.deb', '/tmp/newer']);
  root.must(['sed', '-i', `s/^Version: .*/Version: ${version}+newer/`, '/tmp/newer/DEBIAN/control']);
  root.must(['rm', '/tmp/newer/usr/lib/plainview/README.md']);
  root.must(['dpkg-deb', '-Znone', '-b', '/tmp/newer', '/tmp/newer.deb']);
  root.must(['apt-get', 'install', '-y', '-qq', '/tmp/newer.deb']);
  expect(root.must(['dpkg-query', '-W', 'plainview'])).toBe(`plainview\t${version}+newer\n`);
  expect(lines(kept())).toEqual(beforeUpgrade);
  expect(existsSync(readme)).toBe(false);

  service.kill('SIGTERM');
  await once(service, 'exit');
  root.must(['apt-get', 'remove', '-y', '-qq', 'plainview']);
  expect(existsSync(join(root.path, 'usr/lib/plainview'))).toBe(false);
  expect(existsSync(join(root.path, 'usr/bin/plainview'))).toBe(false);
  expect(readFileSync(join(root.path, 'etc/plainview/env'), 'utf8')).toBe(env);
  writeFileSync(join(root.path, 'etc/plainview/rules.yaml'), 'rules: []\n');
  const purged = root.must(['apt-get', 'purge', '-y', '-qq', 'plainview']);
  expect(purged).toContain('/var/lib/plainview stays, because it is not empty');
  expect(purged).toContain('/etc/plainview stays, because it is not empty');
  const left = root.files('/etc').filter((file) => !before.includes(file));
  expect(
    left.filter((file) => !/^\/etc\/(orthanc|\.pwd|(passwd|group|g?shadow|subuid|subgid)-?$)/.test(file)),
  ).toEqual(['/etc/plainview/rules.yaml', '/etc/systemd/system/orthanc.service.d/plainview.conf']);
  expect(root.files('/var/lib/plainview')).not.toEqual([]);
  expect(root.must(['stat', '-c', '%U', '/var/lib/plainview'])).toBe('plainview\n');
});

function edit(file: string, values: Record<string, unknown>): void {
  let text = readFileSync(file, 'utf8');
  for (const [key, value] of Object.entries(values)) text = applyEdits(text, modify(text, [key], value, {}));
  writeFileSync(file, text);
}
