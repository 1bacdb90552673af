import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { hookKey } from '../../src/access/keys.js';
import { image, instance, sopClasses } from '../../testkit/dicom.js';
import { Listener } from '../../testkit/listener.js';
import { storeInstance, useOrthanc, waitFor, withOrthanc } from '../../testkit/orthanc.js';
import { instancesSeenBySite, siteScript } from '../../testkit/site.js';
import { isOlder } from '../../testkit/variants.js';

const listener = new Listener();
const secret = 'between us';
const site = useOrthanc(async () => ({ hook: { url: (await listener.listen()).url, secret } }));
afterAll(() => listener.close());
beforeEach(() => {
  listener.requests.length = 0;
});

const notifiedInstances = (): string[] => listener.requests.map(({ body }) => JSON.parse(body).instance);
const oneNotice = () => waitFor(() => listener.requests[0], { what: 'a notice' });

test('the notice of a stored radiograph has its type and the secret, and no patient data', async () => {
  const { orthancId } = await site.storeInstance(image({ modality: 'DX', patientName: 'TEST^SECRETIVE' }));
  const { method, url, headers, body } = await oneNotice();
  expect(`${method} ${url}`).toBe('POST /hook');
  expect(headers['x-plainview-hook-key']).toBe(hookKey(secret));
  expect(JSON.stringify(headers)).not.toContain(secret);
  expect(headers['content-type']).toBe('application/json');
  expect(JSON.parse(body)).toEqual({
    instance: orthancId,
    modality: 'DX',
    sopClass: sopClasses.DX,
    change: 'NewInstance',
  });
  expect(await site.orthanc.log()).not.toContain('SECRETIVE');
});

test('only possible radiographs cause a notice; the service decides what a site can configure', async () => {
  const not = [
    ...(['CT', 'MR', 'US', 'PT', 'NM'] as const).map((modality) => image({ modality })),
    ...(['SR', 'PR', 'KO', 'SEG', 'DOC', 'ECG', 'RTDOSE'] as const).map((modality) => instance({ modality })),
    // A report with the modality of a radiograph.
    instance({ modality: 'DX', sopClassUid: sopClasses.SR }),
  ];
  for (const bytes of not) await site.storeInstance(bytes);
  const storedIds: string[] = [];
  for (const modality of ['OT', 'MG', 'RG', 'PX', 'IO', 'DX', 'CR'] as const) {
    storedIds.push((await site.storeInstance(image({ modality }))).orthancId);
  }
  // Orthanc calls the callback in the order of storing. So nothing can come after the last one.
  await waitFor(() => notifiedInstances().includes(storedIds.at(-1) ?? ''));
  expect(notifiedInstances()).toEqual(storedIds);
});

test('an invalid modality still gives a valid notice', async () => {
  await site.storeInstance(image({ attributes: { '0008,0060': ['CS', 'D"X\\\n{}'] } }));
  expect(JSON.parse((await oneNotice()).body).modality).toBe('DX');
});

test.skipIf(isOlder)('a file that Orthanc has already causes no notice (since Orthanc 1.13)', async () => {
  const bytes = image();
  const { orthancId } = await site.storeInstance(bytes);
  expect((await site.storeInstance(bytes)).status).toBe('AlreadyStored');
  const other = await site.storeInstance(image());
  const notified = () => listener.requests.map(({ body }) => JSON.parse(body).instance);
  await waitFor(() => notified().includes(other.orthancId));
  expect(notified()).toEqual([orthancId, other.orthancId]);
});

test('the secret may come from a file, as with Docker', async () => {
  const file = join(site.orthanc.folder, 'secret');
  // Longer than a block of SHA-256.
  const long = 'from a file, '.repeat(9).trim();
  await writeFile(file, `${long}\n`);
  const hook = { url: listener.url, secret: '' };
  await withOrthanc({ hook, env: { PLAINVIEW_SECRET_FILE: file } }, async (orthanc) => {
    await storeInstance(orthanc.url, image());
    expect((await oneNotice()).headers['x-plainview-hook-key']).toBe(hookKey(long));
  });
});

test.each([
  { reason: 'PLAINVIEW_SECRET is not set', secret: '', env: {} },
  {
    reason: 'PLAINVIEW_SECRET and PLAINVIEW_SECRET_FILE are both set',
    secret,
    env: { PLAINVIEW_SECRET_FILE: '/dev/null' },
  },
  {
    reason: 'PLAINVIEW_SECRET_FILE holds no secret that Orthanc can read.',
    secret: '',
    env: { PLAINVIEW_SECRET_FILE: '/dev/null' },
  },
  {
    reason: 'PLAINVIEW_SECRET_FILE holds no secret that Orthanc can read: /gone: No such file',
    secret: '',
    env: { PLAINVIEW_SECRET_FILE: '/gone' },
  },
])('“$reason”: no notice is sent, and Orthanc’s log has the reason once', async (secretless) => {
  const scripts = { after: [await siteScript(site.orthanc.folder, 'seen')] };
  const hook = { url: listener.url, secret: secretless.secret };
  await withOrthanc({ hook, env: secretless.env, scripts }, async (orthanc) => {
    for (let count = 0; count < 3; count++) await storeInstance(orthanc.url, image());
    await waitFor(async () => (await instancesSeenBySite(orthanc, 'seen')).length === 3);
    expect((await orthanc.log()).split(secretless.reason)).toHaveLength(2);
    expect(listener.requests).toEqual([]);
  });
});

test('the script listed twice sends one notice', async () => {
  const hook = { url: listener.url, secret };
  const scripts = { after: ['lua/plainview.lua'] };
  await withOrthanc({ hook, scripts }, async (orthanc) => {
    const stored = [await storeInstance(orthanc.url, image()), await storeInstance(orthanc.url, image())];
    await waitFor(() => notifiedInstances().includes(stored[1]?.orthancId ?? ''));
    expect(notifiedInstances()).toEqual(stored.map(({ orthancId }) => orthancId));
  });
});
