import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/sandbox/ports.js';
import { callApi } from '../../testkit/api.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { type ImageOptions, image } from '../../testkit/dicom.js';
import { type FaultyProxy, startFaultyProxy } from '../../testkit/faulty-proxy.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { freshState, Reader, startTestService, type TestService } from '../../testkit/service.js';
import { ServiceProcess } from '../../testkit/service-process.js';

const real = useOrthanc();
const reader = () => new Reader(real.orthanc.url);
const ends: (() => Promise<unknown>)[] = [];
let proxy: FaultyProxy;
beforeAll(async () => {
  proxy = await startFaultyProxy(real.orthanc.url);
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  proxy.decide = () => 'pass';
  proxy.calls.splice(0);
});
afterAll(() => proxy.stop());

async function service(env: NodeJS.ProcessEnv = {}): Promise<TestService> {
  const started = await startTestService({
    orthanc: proxy.url,
    classifier: stubClassifier(),
    env,
    timings: { heartbeat: { everyMs: 200, timeoutMs: 1000 } },
    stateDir: await freshState(real.orthanc.url),
  });
  ends.push(started.stop);
  return started;
}

async function store(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.push((await real.storeInstance(image())).orthancId);
  return ids;
}

const renderingsOf = (id: string) =>
  proxy.calls.filter(({ url }) => url.includes(id) && /\/(rendered|preview|image-\w+)/.test(url));

async function expectFailed(id: string, code: string): Promise<void> {
  await waitFor(async () => (await reader().labels(`instances/${id}`)).includes('classification_failed'), {
    what: 'the failure',
    timeout: 40_000,
  });
  expect((await reader().record(id))?.failure?.code).toBe(code);
}

test('a picture that ends Orthanc is asked for twice, by whomever, and forty others are decided', async () => {
  const of = await service();
  const ids = await store(41);
  const [bad = ''] = ids.splice(20, 1);
  proxy.decide = ({ url }) =>
    url.includes(bad) && url.includes('/frames/')
      ? async () => {
          await real.orthanc.kill();
          await real.orthanc.restart();
          return 'cut';
        }
      : 'pass';
  for (const id of [...ids.slice(0, 20), bad, ...ids.slice(20)]) await of.notice(id);
  await waitFor(() => of.log().includes('orthanc_toppled'), { timeout: 40_000 });
  await expectFailed(bad, 'orthanc_toppled');
  for (const id of ids) expect(await reader().decided(id)).toBe('knee_lateral');
  for (const path of ['picture', 'thumbnail', 'activation?category=knee_ap'])
    expect((await callApi(of, 'GET', `/instances/${bad}/${path}`)).json.code).toBe('orthanc_toppled');
  expect(renderingsOf(bad)).toHaveLength(2);
  expect((await callApi(of, 'GET', `/instances/${bad}`)).json).toMatchObject({ rows: 64, columns: 64 });
  const correction = { category: 'hand_ap', of: (await reader().record(bad))?.when };
  expect((await callApi(of, 'PUT', `/instances/${bad}/decision`, { body: correction })).status).toBe(200);
  expect(renderingsOf(bad)).toHaveLength(2);
});

test('a picture too large, or with an impossible header, is refused to the review page too, and Orthanc is not asked', async () => {
  const of = await service();
  const us = (value: number) => ['US', value] as const;
  const pictures: [string, NonNullable<ImageOptions['attributes']>][] = [
    ['picture_too_large', { '0028,0010': us(23_170), '0028,0011': us(23_170) }],
    ['header_impossible', { '0028,0002': us(2) }],
    ['header_impossible', { '0028,0100': us(24) }],
    ['header_impossible', { '0028,0004': ['CS', 'PALETTE COLOR'] }],
  ];
  for (const [code, attributes] of pictures) {
    const { orthancId } = await real.storeInstance(image({ attributes }));
    await of.notice(orthancId);
    await expectFailed(orthancId, code);
    for (const path of ['picture', 'thumbnail', 'activation?category=knee_ap']) {
      const { status, json } = await callApi(of, 'GET', `/instances/${orthancId}/${path}`);
      expect([status, json.code]).toEqual([422, code]);
    }
    expect(renderingsOf(orthancId)).toEqual([]);
    const correction = { category: 'hand_ap', of: (await reader().record(orthancId))?.when };
    const { status } = await callApi(of, 'PUT', `/instances/${orthancId}/decision`, { body: correction });
    expect(status).toBe(200);
  }
});

test('a picture that ends the service twice is recorded as failed, and the others are decided', async () => {
  const port = await freePort();
  const process = new ServiceProcess({
    orthanc: proxy.url,
    port,
    secret: 'a secret of the test',
    env: { PLAINVIEW_CHANGES_POLL_MS: '100' },
  });
  ends.push(() => process.discard());
  const ids = await store(41);
  const [bad = ''] = ids.splice(20, 1);
  let kills = 0;
  proxy.decide = ({ url }) =>
    url.includes(bad) && url.includes('/rendered')
      ? async () => {
          await process.kill();
          kills++;
          process.start();
          return 'cut';
        }
      : 'pass';
  process.start();
  await process.ready();
  for (const id of ids) await reader().decided(id);
  await expectFailed(bad, 'work_ends_service');
  expect(kills).toBe(2);
}, 120_000);
