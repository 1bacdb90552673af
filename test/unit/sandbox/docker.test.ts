import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  dockerAnswers,
  dockerLaunch,
  orthancImage,
  provideDockerOrthanc,
} from '../../../src/sandbox/docker.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plainview-docker-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** Puts a `docker` first on the PATH that records its arguments and runs the script. */
async function fakeDocker(script: string): Promise<() => Promise<string>> {
  const calls = join(folder, 'calls');
  await writeFile(calls, '');
  await writeFile(join(folder, 'docker'), `#!/bin/sh\necho "$@" >> ${calls}\n${script}\n`);
  await chmod(join(folder, 'docker'), 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`);
  return () => readFile(calls, 'utf8');
}

const spec = () => ({
  folder,
  port: 18_042,
  configuration: { Name: 'A sandbox', UserMetadata: { Radiograph: 5101 } },
  luaScripts: ['/site/own.lua', '/project/lua/plainview.lua'],
  plugins: ['dicomweb' as const],
  env: { PLAINVIEW_HOOK_URL: 'http://127.0.0.1:8104/hook', PLAINVIEW_SECRET: 'not to be seen' },
});

const configuration = async (): Promise<unknown> =>
  JSON.parse(await readFile(join(folder, 'orthanc.json'), 'utf8'));

test('on Linux the container shares the loopback, and admits no other hosts', async () => {
  const launch = await dockerLaunch(spec(), 'linux');
  const line = launch.args.join(' ');
  expect(launch.args[0]).toBe('run');
  expect(launch.args.at(-1)).toBe(orthancImage);
  expect(line).toContain('--network host');
  expect(line).not.toContain('--publish');
  expect(line).toContain(`${join(folder, 'orthanc.json')}:/etc/orthanc/orthanc.json:ro`);
  expect(line).toContain('/project/lua/plainview.lua:/etc/orthanc/lua/1-plainview.lua:ro');
  expect(line).toContain('DICOM_WEB_PLUGIN_ENABLED=true');
  expect(line).toContain('GDCM_PLUGIN_ENABLED=false');
  expect(launch.env.PLAINVIEW_HOOK_URL).toBe('http://127.0.0.1:8104/hook');
  expect(await configuration()).toEqual({
    Name: 'A sandbox',
    UserMetadata: { Radiograph: 5101 },
    LuaScripts: ['/etc/orthanc/lua/0-own.lua', '/etc/orthanc/lua/1-plainview.lua'],
    HttpPort: 18_042,
    HttpBindAddresses: ['127.0.0.1'],
    RemoteAccessAllowed: false,
  });
});

test('elsewhere its port is published on the loopback, and the hook uses the name of the host', async () => {
  const launch = await dockerLaunch(spec(), 'darwin');
  expect(launch.args.join(' ')).toContain('--publish 127.0.0.1:18042:18042 --volume');
  const withDicom = await dockerLaunch({ ...spec(), dicomPort: 14_242 }, 'darwin');
  expect(withDicom.args.join(' ')).toContain('--publish 127.0.0.1:14242:14242');
  expect(launch.args.join(' ')).not.toContain('--network');
  expect(launch.env.PLAINVIEW_HOOK_URL).toBe('http://host.docker.internal:8104/hook');
  expect(await configuration()).toMatchObject({ RemoteAccessAllowed: true });
});

test('the secret is in no argument and in no file', async () => {
  const launch = await dockerLaunch(spec(), 'linux');
  expect(launch.args.join(' ')).toContain('--env PLAINVIEW_SECRET ');
  expect(launch.args.join(' ')).not.toContain('not to be seen');
  expect(launch.env.PLAINVIEW_SECRET).toBe('not to be seen');
  expect(JSON.stringify(await configuration())).not.toContain('not to be seen');
});

test('container and volume are named after the folder, so a second start finds the data', async () => {
  const first = await dockerLaunch(spec(), 'linux');
  expect((await dockerLaunch(spec(), 'linux')).args).toEqual(first.args);
  const name = first.args[first.args.indexOf('--name') + 1];
  expect(first.args).toContain(`${name}:/var/lib/orthanc/db`);
  expect(first.killCommand).toEqual(['docker', ['kill', name]]);
  expect(first.removeCommand).toEqual(['docker', ['volume', 'rm', '--force', name]]);
});

test('the image is fetched only if it is missing', async () => {
  let calls = await fakeDocker('exit 0');
  await provideDockerOrthanc();
  expect(await calls()).not.toContain('pull');
  calls = await fakeDocker('case "$1" in image) exit 1;; esac');
  await provideDockerOrthanc();
  expect(await calls()).toContain(`pull --quiet ${orthancImage}`);
});

test('an engine that does not answer and an image that cannot be fetched are reported', async () => {
  await fakeDocker('exit 0');
  expect(await dockerAnswers()).toBe(true);
  await fakeDocker('echo "no such host" >&2; exit 1');
  expect(await dockerAnswers()).toBe(false);
  await expect(provideDockerOrthanc()).rejects.toMatchObject({
    code: 'sandbox_unavailable',
    message: expect.stringContaining('no such host'),
  });
});
