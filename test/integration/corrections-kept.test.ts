import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { hold } from '../../testkit/classifier.js';
import { image } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { freshState, hookAddress, Reader, type TestService } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';
import { sealedRequest } from '../../testkit/signed.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
const { service, stop } = useServices(real, hook);
const reader = () => new Reader(real.orthanc.url);

/** An instance that the network decides as knee_lateral. */
async function decided(): Promise<string> {
  const { orthancId } = await real.storeInstance(image());
  await reader().decided(orthancId);
  return orthancId;
}

async function correct(of: TestService, id: string) {
  const body = { category: 'hand_ap', of: (await reader().record(id))?.when };
  const { status, json } = await callApi(of, 'PUT', `/instances/${id}/decision`, { body, role: 'reviewer' });
  expect(status).toBe(200);
  return json;
}

/** Requests that one instance is decided again, even if a person has corrected it. */
const requestReclassification = async (of: TestService, id: string) =>
  (await callApi(of, 'POST', '/requests', { body: { selection: { ids: [id] }, includingCorrected: true } }))
    .json;
const done = (of: TestService, id: string) =>
  waitFor(async () => (await callApi(of, 'GET', `/requests/${id}`)).json.state === 'done');
const request = (id: string) => reader().metadata(`instances/${id}`, 'RadiographReclassify');
const category = (id: string) => reader().metadata(`instances/${id}`, 'RadiographCategory');

describe('a request that includes corrected ones', () => {
  test('continues after a restart, and does not change what was corrected since', async () => {
    const stateDir = await freshState(real.orthanc.url);
    const of = await service({ stateDir });
    const id = await decided();
    const { state: _, ...run } = await requestReclassification(of, id);
    await waitFor(async () => (await reader().record(id))?.requested?.when === run.when);
    await waitFor(async () => (await category(id)) !== undefined && (await request(id)) === undefined);
    await correct(of, id);
    await stop();
    // The same metadata as while a request for a whole archive is in progress.
    await writeFile(join(stateDir, 'requests.json'), JSON.stringify([run]));
    const again = await service({ stateDir });
    await done(again, run.id);
    await waitFor(async () => (await request(id)) === undefined);
    expect(await reader().record(id)).toMatchObject({ who: 'person', category: 'hand_ap' });
  });

  test('does not overrule an interrupted correction that came after it', async () => {
    const stateDir = await freshState(real.orthanc.url);
    await service({ stateDir });
    const id = await decided();
    const { labels: _, version: __, who: ___, order: ____, ...before } = (await reader().record(id)) ?? {};
    await stop();
    const when = '2026-01-02T00:00:00.000Z';
    const person = { who: 'alice', when, action: 'correct' };
    await fetch(`${real.orthanc.url}/instances/${id}/metadata/RadiographCategory`, { method: 'DELETE' });
    await reader().put(
      `instances/${id}`,
      'RadiographReclassify',
      sealedRequest(hook.secret, id, { who: 'bob', when: '2026-01-01T00:00:00.000Z' }),
    );
    const half = {
      ...before,
      version: 1,
      labels: ['hand_ap', 'knee_lateral'],
      category: 'hand_ap',
      who: 'person',
      person,
      when,
      before,
    };
    await reader().put(`instances/${id}`, 'Radiograph', JSON.stringify(half));
    await service({ stateDir });
    await waitFor(async () => (await category(id)) !== undefined && (await request(id)) === undefined);
    expect(await reader().record(id)).toMatchObject({
      who: 'person',
      category: 'hand_ap',
      before: { category: 'knee_lateral' },
    });
    expect(await reader().labels(`instances/${id}`)).toEqual(['hand_ap', 'settled_by_person']);
  });

  test('leaves a correction as it is where the instance cannot be decided again', async () => {
    const of = await service({ env: { PLAINVIEW_ATTEMPTS: '1' } });
    const id = await decided();
    await correct(of, id);
    of.classifier.answer = async () => {
      throw new Error('the engine is ill');
    };
    const run = await requestReclassification(of, id);
    await done(of, run.id);
    await waitFor(async () => (await request(id)) === undefined);
    expect(await reader().record(id)).toMatchObject({
      who: 'person',
      category: 'hand_ap',
      before: { category: 'knee_lateral' },
    });
  });

  test('is answered although the job in progress has an older correction', async () => {
    const of = await service();
    const id = await decided();
    const gate = hold(of.classifier, { category: 'knee_ap', score: 0.99 });
    await reader().put(`instances/${id}`, 'RadiographReclassify', '{"who":"bob"}');
    await gate.reached;
    await correct(of, id);
    const run = await requestReclassification(of, id);
    await waitFor(async () => (await request(id)) !== undefined);
    gate.release();
    await done(of, run.id);
    await waitFor(async () => (await reader().record(id))?.requested?.when === run.when);
    expect(await reader().record(id)).toMatchObject({ who: 'network', category: 'knee_ap' });
  });
});

test('labels that an older version left on what a person had settled are corrected by the next start', async () => {
  const stateDir = await freshState(real.orthanc.url);
  const of = await service({ stateDir });
  of.classifier.answer = async () => ({ category: 'other', score: 0.99 });
  const { orthancId, series, study } = await real.storeInstance(image());
  await reader().decided(orthancId);
  const { when } = (await reader().record(orthancId)) ?? {};
  await callApi(of, 'POST', `/instances/${orthancId}/confirmation`, { body: { of: when } });
  await stop();
  const resources = [`instances/${orthancId}`, `series/${series}`, `studies/${study}`];
  for (const resource of resources) {
    await fetch(`${real.orthanc.url}/${resource}/labels/settled_by_person`, { method: 'DELETE' });
    await reader().label(resource, 'unknown_view');
    const { settled: _, ...record } = JSON.parse((await reader().metadata(resource, 'Radiograph')) ?? '');
    await reader().put(resource, 'Radiograph', JSON.stringify({ ...record, labels: ['unknown_view'] }));
  }
  // The first service may have stopped before its own look at the labels was complete.
  await rm(join(stateDir, 'settled-labels.json'), { force: true });
  const again = await service({ stateDir });
  // Before that, the label is there, and the list leaves it out.
  expect((await callApi(again, 'GET', '/worklist?state=unknown_view')).json.items).toEqual([]);
  for (const resource of resources)
    await waitFor(async () => (await reader().labels(resource)).join() === 'settled_by_person');
  const done = await callApi(again, 'GET', '/worklist?state=settled_by_person&was=unknown_view');
  expect(done.json.items).toMatchObject([{ instance: orthancId }]);
});

test('an answer to what differs from the order stays when a file is deleted and sent again', async () => {
  const stateDir = await freshState(real.orthanc.url);
  const of = await service({ stateDir });
  const file = image({ attributes: { '0008,1030': ['LO', 'Schulter ap'] } });
  const { orthancId } = await real.storeInstance(file);
  await reader().decided(orthancId);
  const { when } = (await reader().record(orthancId)) ?? {};
  const body = { answer: 'order_wrong', why: 'wrong room', of: when };
  expect(await callApi(of, 'POST', `/instances/${orthancId}/acknowledgement`, { body })).toMatchObject({
    status: 200,
  });
  await stop();
  await fetch(`${real.orthanc.url}/instances/${orthancId}`, { method: 'DELETE' });
  await service({ stateDir });
  await real.storeInstance(file);
  await reader().decided(orthancId);
  expect(await reader().record(orthancId)).toMatchObject({
    who: 'person',
    acknowledged: { answer: 'order_wrong', who: 'alice', why: 'wrong room' },
  });
  expect(await reader().labels(`instances/${orthancId}`)).toEqual(['knee_lateral', 'settled_by_person']);
});
