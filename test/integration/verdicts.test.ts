import { afterAll, beforeAll, expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { image } from '../../testkit/dicom.js';
import { type FaultyProxy, startFaultyProxy } from '../../testkit/faulty-proxy.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';

const hook = await hookAddress();
const real = useOrthanc();
const { service } = useServices(real, hook);
const reader = () => new Reader(real.orthanc.url);

let proxy: FaultyProxy;
beforeAll(async () => {
  proxy = await startFaultyProxy(real.orthanc.url);
});
afterAll(() => proxy.stop());

const renderingsOf = (id: string) =>
  proxy.calls.filter(({ url }) => url.includes(id) && /\/frames\//.test(url));

const failureOf = async (id: string) => (await reader().record(id))?.failure;
const isFailed = (id: string) =>
  waitFor(async () => (await failureOf(id)) !== undefined, { what: 'the failure', timeout: 20_000 });

/** The rendering of this instance is answered so, as often as that. */
function answer(id: string, status: number, times: number): void {
  let left = times;
  proxy.decide = ({ url }) => (url.includes(id) && url.includes('/rendered') && left-- > 0 ? status : 'pass');
}

test('a healthy picture of which Orthanc says once that it cannot render it is decided', async () => {
  const of = await service({ orthanc: proxy.url });
  const { orthancId } = await real.storeInstance(image());
  answer(orthancId, 415, 1);
  await of.notice(orthancId);
  expect(await reader().decided(orthancId)).toBe('knee_lateral');
});

test('a picture of which Orthanc says so twice is recorded as failed, and is asked for no more', async () => {
  const of = await service({ orthanc: proxy.url });
  const { orthancId } = await real.storeInstance(image({ truncateBy: 100 }));
  proxy.decide = () => 'pass';
  await of.notice(orthancId);
  await isFailed(orthancId);
  expect(await failureOf(orthancId)).toMatchObject({ code: 'instance_not_renderable', isFinal: true });
  expect(renderingsOf(orthancId)).toHaveLength(2);
  await of.notice(orthancId);
  await waitFor(async () => /why="already_decided"} [1-9]/.test(await of.metrics()));
  expect(renderingsOf(orthancId)).toHaveLength(2);
});

test('a sweep tries a failure of a former version again, once', async () => {
  const of = await service({ orthanc: proxy.url });
  const healthy = await real.storeInstance(image());
  const broken = await real.storeInstance(image({ truncateBy: 100 }));
  proxy.decide = () => 'pass';
  for (const { orthancId } of [healthy, broken]) {
    answer(healthy.orthancId, 415, 2);
    await of.notice(orthancId);
    await isFailed(orthancId);
    const record = await reader().record(orthancId);
    const failure = { code: 'instance_not_renderable', message: 'HTTP 415' };
    await fetch(`${real.orthanc.url}/instances/${orthancId}/metadata/Radiograph`, {
      method: 'PUT',
      body: JSON.stringify({ ...record, failure }),
    });
  }
  proxy.decide = () => 'pass';
  proxy.calls.splice(0);
  const sweep = async () => {
    expect((await callApi(of, 'POST', '/sweep')).status).toBe(202);
    await waitFor(async () => (await callApi(of, 'GET', '/sweep')).json.state === 'idle', {
      timeout: 20_000,
    });
  };
  await sweep();
  expect((await reader().record(healthy.orthancId))?.category).toBe('knee_lateral');
  expect(await failureOf(broken.orthancId)).toMatchObject({ isFinal: true });
  const asked = renderingsOf(broken.orthancId).length;
  await sweep();
  expect(renderingsOf(broken.orthancId)).toHaveLength(asked);
});

test.each([404, 415])(
  'of a picture that exists, HTTP %i for its rendering is a failure with its reason',
  async (status) => {
    const of = await service({ orthanc: proxy.url });
    const { orthancId } = await real.storeInstance(image());
    answer(orthancId, status, 100);
    await of.notice(orthancId);
    await isFailed(orthancId);
    expect(await failureOf(orthancId)).toMatchObject({
      code: 'instance_not_renderable',
      message: expect.stringContaining(`HTTP ${status}`),
    });
    await reader().decided(orthancId);
    expect(await reader().labels(`instances/${orthancId}`)).toEqual(['classification_failed']);
  },
);

test.each([
  ['monochrome2', 'knee_lateral'],
  ['Monochrome1 ', 'knee_lateral'],
  ['MONOCHROME', 'classification_failed'],
  ['MONOCHROME2\\MONOCHROME2', 'classification_failed'],
])('a picture with Photometric Interpretation "%s" is labelled %s', async (value, label) => {
  const of = await service();
  const { orthancId } = await real.storeInstance(image({ attributes: { '0028,0004': ['CS', value] } }));
  await of.notice(orthancId);
  await waitFor(async () => (await reader().labels(`instances/${orthancId}`)).includes(label), {
    timeout: 20_000,
  });
});
