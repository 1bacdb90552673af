import { readFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, expect, test, vi } from 'vitest';
import { provideDebianOrthanc } from '../../src/sandbox/debian.js';
import { dockerAnswers } from '../../src/sandbox/docker.js';
import { type SandboxOptions, type SandboxOrthanc, startOrthanc } from '../../src/sandbox/orthanc.js';
import { freePort } from '../../src/sandbox/ports.js';
import { image } from '../../testkit/dicom.js';
import { storeInstance } from '../../testkit/orthanc.js';
import { waitFor } from '../../testkit/wait-for.js';

let running: SandboxOrthanc[] = [];

async function start(options?: SandboxOptions): Promise<SandboxOrthanc> {
  const orthanc = await startOrthanc(options);
  running.push(orthanc);
  return orthanc;
}

afterEach(async () => {
  await Promise.all(running.map((orthanc) => orthanc.discard()));
  running = [];
});

/** The addresses on which something listens on a port, as Linux lists them. */
const listeningAddresses = (port: number): string[] =>
  readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => /: ([0-9A-F]{8}):([0-9A-F]{4}) \S+ 0A /.exec(line))
    .filter((match) => Number.parseInt(match?.[2] ?? '', 16) === port)
    .map((match) => [...Buffer.from(match?.[1] ?? '', 'hex')].reverse().join('.'));

const answers = (orthanc: SandboxOrthanc): Promise<boolean> =>
  fetch(`${orthanc.url}/system`).then(
    (response) => response.ok,
    () => false,
  );

test('stored data is kept after a clean stop and after a kill', async () => {
  const orthanc = await start();
  const first = await storeInstance(orthanc.url, image());
  await orthanc.stop();
  expect(await answers(orthanc)).toBe(false);
  await orthanc.restart();
  const second = await storeInstance(orthanc.url, image());
  await orthanc.kill();
  expect(await answers(orthanc)).toBe(false);
  await orthanc.restart();
  const instances = (await (await fetch(`${orthanc.url}/instances`)).json()) as string[];
  expect(new Set(instances)).toEqual(new Set([first.orthancId, second.orthancId]));
});

test('it has the configuration that a site adds for Plainview, and that of the caller', async () => {
  const orthanc = await start({
    configuration: { Name: 'A site', UserMetadata: { Mine: 2000 }, RegisteredUsers: { plainview: 'pass' } },
  });
  const headers = { authorization: `Basic ${Buffer.from('plainview:pass').toString('base64')}` };
  expect((await fetch(`${orthanc.url}/system`)).status).toBe(401);
  expect(await (await fetch(`${orthanc.url}/system`, { headers })).json()).toMatchObject({
    Name: 'A site',
    HasLabels: true,
    UserMetadata: { RadiographCategory: 5100, Radiograph: 5101, RadiographReclassify: 5102, Mine: 2000 },
  });
});

test('GDCM gets only the compressions that it is needed for: others would let a picture end Orthanc', async () => {
  const orthanc = await start({ plugins: ['gdcm'] });
  const { orthancId } = await storeInstance(
    orthanc.url,
    image({ attributes: { '0028,0002': ['US', 2], '0028,0004': ['CS', 'MONOCHROME2'] } }),
  );
  expect((await fetch(`${orthanc.url}/instances/${orthancId}/rendered`)).status).toBe(415);
  expect(await answers(orthanc)).toBe(true);
});

test('a port in use and a configuration that Orthanc refuses are reported at once', async () => {
  const orthanc = await start();
  const port = Number(new URL(orthanc.url).port);
  await expect(start({ port })).rejects.toMatchObject({ code: 'sandbox_port_taken' });
  const folder = join(orthanc.folder, 'other');
  await expect(start({ folder, configuration: { UserMetadata: { Mine: 7 } } })).rejects.toMatchObject({
    code: 'sandbox_not_started',
    message: expect.stringContaining(join(folder, 'orthanc.log')),
  });
});

test.skipIf(await dockerAnswers())(
  'it runs from a folder with any name, with its Python plugin, and again after a stop; it takes C-STORE, from this machine only',
  async () => {
    const installed = await provideDebianOrthanc();
    const temporary = await mkdtemp(join(tmpdir(), 'plainview-any-name-'));
    const folder = join(temporary, 'Pläinview; it\'s "1": #?%20');
    try {
      await cp(installed, join(folder, basename(installed)), { recursive: true, verbatimSymlinks: true });
      vi.stubEnv('PLAINVIEW_SANDBOX', folder);
      vi.stubEnv('TMPDIR', temporary);
      const hook = { url: 'http://127.0.0.1:1/hook', secret: 'sixteen or more characters' };
      const dicomPort = await freePort();
      const orthanc = await start({
        folder: join(folder, 'storage'),
        explorer: true,
        hook,
        dicomPort,
        configuration: { DicomModalities: { itself: ['ORTHANC', '127.0.0.1', dicomPort] } },
      });
      expect(await answers(orthanc)).toBe(true);
      await orthanc.restart();
      expect(await answers(orthanc)).toBe(true);
      const httpPort = Number(new URL(orthanc.url).port);
      await waitFor(() =>
        [httpPort, dicomPort].every((port) => isDeepStrictEqual(listeningAddresses(port), ['127.0.0.1'])),
      );
      const { orthancId } = await storeInstance(orthanc.url, image());
      const sent = await fetch(`${orthanc.url}/modalities/itself/store`, { method: 'POST', body: orthancId });
      expect(await sent.json()).toMatchObject({ InstancesCount: 1, FailedInstancesCount: 0 });
      await orthanc.stop();
    } finally {
      vi.unstubAllEnvs();
      await rm(temporary, { recursive: true });
    }
  },
);
