/**
 * Writes `<name>.json` beside this file: what a former version of Plainview leaves in Orthanc and in its state folder. It was
 * run once for each version that the upgrade is tested from, with a checkout of it that is installed and built:
 *
 *     npx tsx testkit/upgrade/record.ts <checkout> <commit> <name>
 *
 * It ends that version with work left: a request for many instances, a file that is being stored anew with DICOM attributes, a
 * request by a button, and an instance that nobody has told it of.
 */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { createToken } from '../../src/access/tokens.js';
import { startOrthanc } from '../../src/sandbox/orthanc.js';
import { freePort } from '../../src/sandbox/ports.js';
import { image, radiograph, uid } from '../dicom.js';
import { storeInstance } from '../orthanc.js';
import { Reader } from '../service.js';
import { ServiceProcess } from '../service-process.js';
import { waitFor } from '../wait-for.js';
import type { Former, FormerResource } from './former.js';

const [checkout = '', commit = '', name = ''] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'plainview-former-'));
const stateDir = join(folder, 'state');
const { token, line } = createToken('alice', 'admin');
writeFileSync(join(folder, 'tokens'), `${line}\n`);
const orthanc = await startOrthanc({
  runtime: 'debian',
  suite: 'trixie',
  configuration: { OverwriteInstances: true },
});
const reader = new Reader(orthanc.url);
const secret = 'a secret of 16 characters or more';

const ids: Record<string, string> = {};
const files: Record<string, string> = {};
const resources: FormerResource[] = [];

/** A small chest, of which the networks are sure. */
const chest = await sharp('samples/chest_composite.png')
  .resize(112, 112, { fit: 'fill' })
  .greyscale()
  .raw()
  .toBuffer();

/** @param order Study Description: what was ordered */
async function store(what: string, order = ''): Promise<string> {
  const options = {
    patientId: what,
    studyInstanceUid: uid(`former study ${what}`),
    seriesInstanceUid: uid(`former series ${what}`),
    sopInstanceUid: uid(`former instance ${what}`),
    attributes: { '0008,1030': ['LO', order] as const },
  };
  const { orthancId } = await storeInstance(
    orthanc.url,
    what === 'category' ? radiograph({ width: 112, height: 112, grey: chest }, options) : image(options),
  );
  ids[what] = orthancId;
  return orthancId;
}

async function run(env: Record<string, string>, use: (service: ServiceProcess) => Promise<void>) {
  const service = new ServiceProcess({
    orthanc: orthanc.url,
    port: await freePort(),
    secret,
    stateDir,
    cli: resolve(checkout, 'dist/cli.js'),
    env: { PLAINVIEW_CHANGES_POLL_MS: '100', PLAINVIEW_NETWORK: 'embedded', ...env },
  });
  service.start();
  try {
    await service.ready();
    await use(service);
  } catch (error) {
    console.error(service.log().slice(-3000));
    throw error;
  } finally {
    await service.discard();
  }
}

async function call(service: ServiceProcess, method: string, path: string, body: unknown): Promise<boolean> {
  const answer = await fetch(`${service.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) console.warn(`${method} ${path}: ${answer.status} ${text}`);
  return answer.ok;
}
const textOf = (document: string): string => {
  const path = join(stateDir, document);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};
const when = async (id: string): Promise<string> =>
  (JSON.parse((await reader.metadata(`instances/${id}`, 'Radiograph')) ?? '{}') as { when: string }).when;
const correct = async (service: ServiceProcess, id: string, category: string | null) =>
  call(service, 'PUT', `/instances/${id}/decision`, { category, of: await when(id) });

const hasPeople = commit !== 'be44b53';
const people: Record<string, string> = hasPeople
  ? { PLAINVIEW_TOKENS_FILE: join(folder, 'tokens'), PLAINVIEW_SWEEP: 'off' }
  : {};
await run(people, async (service) => {
  for (const what of ['category', 'unknown', 'confirmed', 'corrected', 'undone', 'none', 'requested', 'job'])
    await reader.decided(await store(what));
  const answered = await store('answered', 'Hand ap');
  await reader.decided(answered);
  if (hasPeople) {
    await call(service, 'POST', `/instances/${ids.confirmed}/confirmation`, {
      of: await when(ids.confirmed ?? ''),
    });
    await correct(service, ids.corrected ?? '', 'hand_ap');
    await correct(service, ids.none ?? '', null);
    await correct(service, ids.undone ?? '', 'hand_ap');
    await call(service, 'POST', `/instances/${ids.undone}/undo`, { of: await when(ids.undone ?? '') });
    await correct(service, answered, 'knee_lateral');
    await call(service, 'POST', `/instances/${answered}/acknowledgement`, {
      answer: 'order_wrong',
      why: 'the other knee',
      of: await when(answered),
    });
    // Written by then.
    await waitFor(() => readdirSync(stateDir).includes('corrections'));
  }
  await service.stop();
});
if (hasPeople) {
  await run(people, async (service) => {
    const asked = call(service, 'POST', '/requests', { selection: { ids: [ids.job] } }).catch(() => false);
    await waitFor(() => textOf('requests.json').includes(ids.job ?? ''), { everyMs: 1 });
    await service.kill();
    await asked;
  });
  if ((await reader.metadata(`instances/${ids.job}`, 'RadiographReclassify')) !== undefined)
    throw new Error('the request went on before the service ended: try again');
  // Away while the next one runs, which would finish it.
  const requests = join(stateDir, 'requests.json');
  renameSync(requests, join(folder, 'requests.json'));
  await run({ ...people, PLAINVIEW_TAGS: 'absent' }, async (service) => {
    const tagged = await store('tagged');
    await reader.decided(tagged);
    await correct(service, tagged, 'hand_ap');
    await waitFor(() => textOf(`tags/${tagged}.json`) !== '', { everyMs: 1 });
    await service.kill();
  });
  renameSync(join(folder, 'requests.json'), requests);
}
await reader.put(
  `instances/${ids.requested}`,
  'RadiographReclassify',
  JSON.stringify({ who: 'bob', when: new Date().toISOString() }),
);
await store('late');

for (const [what, id] of Object.entries(ids)) {
  const file = Buffer.from(await (await fetch(`${orthanc.url}/instances/${id}/file`)).arrayBuffer());
  files[what] = gzipSync(file, { level: 9 }).toString('base64');
}
for (const level of ['instances', 'series', 'studies'] as const)
  for (const id of (await (await fetch(`${orthanc.url}/${level}`)).json()) as string[]) {
    const all = (await (await fetch(`${orthanc.url}/${level}/${id}/metadata?expand`)).json()) as Record<
      string,
      string
    >;
    const metadata = Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith('Radiograph')));
    resources.push({ level, id, metadata, labels: await reader.labels(`${level}/${id}`) });
  }
const state = Object.fromEntries(
  readdirSync(stateDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path.slice(stateDir.length + 1), readFileSync(path, 'utf8')]),
);
const former: Former = { commit, files, ids, resources, state };
writeFileSync(new URL(`${name}.json`, import.meta.url), `${JSON.stringify(former, null, 1)}\n`);
await orthanc.discard();
rmSync(folder, { recursive: true });
