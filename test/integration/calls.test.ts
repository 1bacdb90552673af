import { afterAll, beforeAll, expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { image, uid } from '../../testkit/dicom.js';
import { type FaultyProxy, startFaultyProxy } from '../../testkit/faulty-proxy.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';
import { isInPostgresql, isOlder } from '../../testkit/variants.js';

const hook = await hookAddress();
const real = useOrthanc({ hook, configuration: { OverwriteInstances: true } });
const { service } = useServices(real, hook);
const reader = () => new Reader(real.orthanc.url);

let proxy: FaultyProxy;
beforeAll(async () => {
  proxy = await startFaultyProxy(real.orthanc.url);
  // The change log is not read during the tests, because its reader also calls Orthanc for each page of changes.
  proxy.decide = ({ url }) => (/^\/changes\?(?!last)/.test(url) ? 400 : 'pass');
});
afterAll(() => proxy.stop());

/** The calls since the last call of this function that belong to an instance, without identifiers. */
function callsOfJobs(): string[] {
  return proxy.calls
    .splice(0)
    .filter(({ url }) => !/^\/(system|changes)\b/.test(url))
    .map(({ method, url }) => `${method} ${url.replace(/[0-9a-f]{8}(-[0-9a-f]{8}){4}/, '…')}`);
}

const written = [
  'PUT /instances/…/metadata/Radiograph',
  'PUT /instances/…/labels/knee_lateral',
  'PUT /series/…/metadata/Radiograph',
  'PUT /series/…/labels/knee_lateral',
  'PUT /studies/…/metadata/Radiograph',
  'PUT /studies/…/labels/knee_lateral',
  'PUT /instances/…/metadata/RadiographCategory',
];

/** Of Orthanc 1.13.0 with SQLite, calls by UID take less time than fewer ones by its own identifiers: see `ByUid`. */
const isByUid = !isInPostgresql && !isOlder;
const reading = isByUid ? 'POST /tools/find' : 'POST /tools/bulk-content';

test('a first decision takes fourteen calls of Orthanc at most', async () => {
  await service({ orthanc: proxy.url });
  callsOfJobs();
  const { orthancId } = await real.storeInstance(image());
  await reader().decided(orthancId);
  const calls: string[] = [];
  await expect.poll(() => calls.push(...callsOfJobs())).toBe(isByUid ? 14 : 12);
  expect(calls).toEqual([
    'POST /tools/bulk-content',
    'GET /instances/…/simplified-tags',
    'GET /instances/…/frames/0/rendered',
    // The instance, its study, and the series where it is the only one.
    ...(isByUid ? [reading, reading, reading] : [reading]),
    ...written,
    // Whether it still stands, and of the same file.
    reading,
  ]);
});

test('a correction that is compared with the order reads the file once, and its pixels once', async () => {
  const of = await service({ orthanc: proxy.url });
  const { orthancId } = await real.storeInstance(image());
  await reader().decided(orthancId);
  await expect.poll(() => of.metrics()).toContain('plainview_queue_jobs{state="running"} 0');
  callsOfJobs();
  const body = { category: 'hand_ap', of: (await reader().record(orthancId))?.when };
  const recorder = new Promise<string[]>((resolve) => {
    // The last call of the correction; what follows answers the person, and runs the follow-ups.
    proxy.decide = ({ method, url }) => {
      if (method === 'PUT' && url.endsWith('RadiographCategory')) resolve(callsOfJobs());
      return /^\/changes\?(?!last)/.test(url) ? 400 : 'pass';
    };
  });
  expect((await callApi(of, 'PUT', `/instances/${orthancId}/decision`, { body })).status).toBe(200);
  const calls = await recorder;
  expect(calls.filter((call) => call.endsWith('/simplified-tags'))).toHaveLength(1);
  expect(calls.filter((call) => call.includes('/image-uint16'))).toHaveLength(1);
});

test('a notice of an instance that is decided already takes one call, and its file is not read', async () => {
  await service({ orthanc: proxy.url });
  const bytes = image();
  const { orthancId } = await real.storeInstance(bytes);
  await reader().decided(orthancId);
  callsOfJobs();
  const again = await service({ orthanc: proxy.url, env: { PLAINVIEW_PORT: '0' } });
  callsOfJobs();
  expect((await again.notice(orthancId)).status).toBe(202);
  await expect.poll(() => again.metrics()).toMatch(/why="already_decided"} [1-9]/);
  expect(callsOfJobs()).toEqual(['POST /tools/bulk-content']);
});

test('with tags, the notice of the file that Plainview itself stores makes no job', async () => {
  const tagging = await service({ orthanc: proxy.url, env: { PLAINVIEW_TAGS: 'absent' } });
  const before = proxy.decide;
  let stores = 0;
  // The last call of each storing waits for its notice, which Orthanc sends a moment later.
  proxy.decide = (call) => {
    if (call.method !== 'PUT' || !call.url.endsWith('/RadiographTags')) return before(call);
    const own = `plainview_hook_notices_total{outcome="own"} ${++stores}\n`;
    return async () => {
      await waitFor(async () => (await tagging.metrics()).includes(own), { what: own });
      return 'pass';
    };
  };
  for (let n = 0; n < 3; n++) {
    const { orthancId } = await real.storeInstance(image());
    await reader().decided(orthancId);
    await expect.poll(() => reader().metadata(`instances/${orthancId}`, 'RadiographTags')).toBeDefined();
    const body = { instances: [orthancId] };
    expect((await callApi(tagging, 'POST', '/tags/undo', { body })).json).toMatchObject({ left: [] });
  }
  proxy.decide = before;
  expect(stores).toBe(6);
  await expect.poll(() => tagging.metrics()).toContain('plainview_queue_jobs{state="running"} 0');
  expect(await tagging.metrics()).toContain('plainview_stage_seconds_count{stage="describe"} 3\n');
});

test('the labels of a study include a new instance and the earlier ones', async () => {
  await service({ orthanc: proxy.url });
  const studyInstanceUid = uid('calls of a study');
  const first = await real.storeInstance(image({ studyInstanceUid }));
  await reader().decided(first.orthancId);
  callsOfJobs();
  const { orthancId, study } = await real.storeInstance(image({ studyInstanceUid }));
  await reader().decided(orthancId);
  expect(callsOfJobs().length).toBeLessThanOrEqual(14);
  expect(await reader().group(`studies/${study}`)).toMatchObject({ categories: { knee_lateral: 2 } });
});
