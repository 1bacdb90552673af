import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ReclassificationProgress } from '../../src/contract/reclassification.js';
import { callApi } from '../../testkit/api.js';
import { image, uid } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { freshState, hookAddress, Reader, type TestService } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
const { running, service } = useServices(real, hook);
const reader = () => new Reader(real.orthanc.url);

/** Two series of two instances, all decided as knee_lateral. */
async function decidedStudy(name: string) {
  const identity = (series: number) => ({
    studyInstanceUid: uid(name),
    seriesInstanceUid: uid(`${name} ${series}`),
    patientId: name,
  });
  const stored = [];
  for (const series of [1, 1, 2, 2]) stored.push(await real.storeInstance(image(identity(series))));
  for (const { orthancId } of stored) await reader().decided(orthancId);
  return stored;
}

const categories = (ids: string[]) =>
  Promise.all(ids.map(async (id) => (await reader().record(id))?.category));

const api = (
  of: TestService,
  method: string,
  path: string,
  body?: unknown,
): Promise<{
  status: number;
  json: ReclassificationProgress & ReclassificationProgress[] & { code: string };
}> => callApi(of, method, path, { body });

test('a file that is sent again is no request, whatever the version of Orthanc: a failed instance stays as it is', async () => {
  const of = await service();
  const file = image({ truncateBy: 100 });
  const { orthancId: id } = await real.storeInstance(file);
  await reader().decided(id);
  const failed = await reader().record(id);
  expect(failed?.decision).toBe('failed');
  await real.storeInstance(file);
  await reader().decided((await real.storeInstance(image())).orthancId);
  await waitFor(async () => (await of.metrics()).includes('plainview_queue_jobs{state="running"} 0'));
  expect(await reader().record(id)).toEqual(failed);
  await api(of, 'POST', '/requests', { selection: { label: 'classification_failed' } });
  await waitFor(async () => (await reader().record(id))?.when !== failed?.when);
});

describe('a request written as metadata', () => {
  test.each([
    ['series', 2],
    ['study', 4],
    ['patient', 4],
  ] as const)(
    'on a %s reaches its %i radiographs, with who and when, and is then deleted',
    async (level, count) => {
      const { classifier } = await service();
      const stored = await decidedStudy(`on a ${level}`);
      classifier.answer = async () => ({ category: 'ankle_ap', score: 0.99 });
      const [first] = stored;
      const path = { series: 'series', study: 'studies', patient: 'patients' }[level];
      const group = `${path}/${first?.[level]}`;
      await reader().put(group, 'RadiographReclassify', '{"who":"bob","when":"2026-01-02T03:04:05Z"}');
      const ids = stored.map(({ orthancId }) => orthancId);
      await waitFor(
        async () => (await categories(ids)).filter((category) => category === 'ankle_ap').length === count,
      );
      expect(await reader().metadata(group, 'RadiographReclassify')).toBeUndefined();
      expect((await reader().record(ids[0] ?? ''))?.requested).toEqual({
        who: 'bob',
        when: '2026-01-02T03:04:05Z',
      });
      await waitFor(async () => (await reader().labels(`studies/${first?.study}`)).includes('ankle_ap'));
    },
  );

  test('while the service is down is answered when it is back, also if it is not JSON', async () => {
    const stateDir = await freshState(real.orthanc.url);
    const first = await service({ stateDir });
    const stored = await decidedStudy('while down');
    await first.stop();
    running.length = 0;
    await reader().put(`studies/${stored[0]?.study}`, 'RadiographReclassify', 'please');
    const second = await service({ stateDir });
    await waitFor(() => second.classifier.pictures.length === 4);
    await waitFor(
      async () =>
        (await reader().metadata(`studies/${stored[0]?.study}`, 'RadiographReclassify')) === undefined,
    );
  });

  test('does not change what a person has corrected, whatever it says', async () => {
    const { classifier, log } = await service();
    const stored = await decidedStudy('corrected');
    const [{ orthancId, study } = { orthancId: '', study: '' }] = stored;
    const record = await reader().record(orthancId);
    const corrected = { ...record, who: 'person', category: 'hand_ap', labels: [] };
    await reader().put(`instances/${orthancId}`, 'Radiograph', JSON.stringify(corrected));
    await reader().put(`instances/${orthancId}`, 'RadiographCategory', 'hand_ap');
    await reader().put(`studies/${study}`, 'RadiographReclassify', '{}');
    await waitFor(() => classifier.pictures.length === 7);
    await waitFor(
      async () => (await reader().metadata(`instances/${orthancId}`, 'RadiographReclassify')) === undefined,
    );
    expect((await reader().record(orthancId))?.who).toBe('person');
    // Whoever may write metadata can write this; only Plainview's own requests, which are sealed, include corrected ones.
    await reader().put(`studies/${study}`, 'RadiographReclassify', '{"includingCorrected":true}');
    await waitFor(() => log().includes('but Plainview did not write it'));
    await waitFor(
      async () => (await reader().metadata(`instances/${orthancId}`, 'RadiographReclassify')) === undefined,
    );
    expect((await reader().record(orthancId))?.who).toBe('person');
  });
});

describe('a request over the API', () => {
  const finished = (of: TestService, id: string) =>
    waitFor(async () => {
      const { json } = await api(of, 'GET', `/requests/${id}`);
      return json.state !== 'running' && json;
    });

  test('names a selection; its progress can be followed, and the caller is recorded', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'plainview-audit-'));
    const auditFile = join(folder, 'audit.jsonl');
    const of = await service({ env: { PLAINVIEW_AUDIT_FILE: auditFile } });
    const stored = await decidedStudy('over the API');
    of.classifier.answer = async () => ({ category: 'wrist_ap', score: 0.99 });
    const response = await api(of, 'POST', '/requests', { selection: { uids: [uid('over the API')] } });
    expect(response).toMatchObject({ status: 202, json: { who: 'alice', state: 'running' } });
    expect(await finished(of, response.json.id)).toMatchObject({ state: 'done', asked: 4, answered: 4 });
    expect(new Set(await categories(stored.map(({ orthancId }) => orthancId)))).toEqual(
      new Set(['wrist_ap']),
    );
    expect((await reader().record(stored[0]?.orthancId ?? ''))?.requested?.who).toBe('alice');
    expect((await api(of, 'GET', '/requests')).json.map(({ id }: { id: string }) => id)).toEqual([
      response.json.id,
    ]);
    const lines = (await readFile(auditFile, 'utf8')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { who: 'alice', role: 'admin', action: 'reclassify', target: `requests/${response.json.id}` },
    ]);
    await rm(folder, { recursive: true });
  });

  test('counts what it leaves alone: instances that a person corrected, or another version decided', async () => {
    const of = await service();
    const stored = await decidedStudy('left alone');
    const [first, second] = stored.map(({ orthancId }) => orthancId);
    const when = (await reader().record(first ?? ''))?.when;
    const corrected = await callApi(of, 'PUT', `/instances/${first}/decision`, {
      body: { category: 'hand_ap', of: when },
    });
    expect(corrected.status).toBe(200);
    const record = await reader().record(second ?? '');
    await reader().put(`instances/${second}`, 'Radiograph', JSON.stringify({ ...record, version: 2 }));
    const selection = { uids: [uid('left alone')] };
    const counts = async (more: object) => {
      const { json } = await api(of, 'POST', '/requests', { selection, ...more });
      return finished(of, json.id);
    };
    const left = { asked: 2, corrected: 1, otherVersion: 1 };
    expect(await counts({ dryRun: true })).toMatchObject({ ...left, answered: 0 });
    expect(await counts({})).toMatchObject({ ...left, answered: 2 });
    expect(await reader().metadata(`instances/${first}`, 'RadiographReclassify')).toBeUndefined();
    expect(await counts({ dryRun: true, includingCorrected: true })).toMatchObject({
      asked: 3,
      corrected: 0,
      otherVersion: 1,
    });
  });

  test.each([
    ['a series', async (stored: { series: string }[]) => ({ ids: [stored[0]?.series] }), 2],
    ['a label and a day', async () => ({ label: 'abdomen_ap', from: '2024-01-01', to: '2024-01-01' }), 4],
    ['a label and another day', async () => ({ label: 'abdomen_ap', from: '2025-01-01' }), 0],
    [
      'a network and DICOM attributes',
      async () => ({ network: 'aaaa', query: { PatientID: 'selected*' } }),
      4,
    ],
    ['another network', async () => ({ network: 'other', query: { PatientID: 'selected*' } }), 0],
    ['a decision', async () => ({ decision: 'category', query: { PatientID: 'selected*' } }), 4],
  ])('by %s selects those, and a dry run only counts', async (what, wanted, count) => {
    const of = await service();
    of.classifier.answer = async () => ({ category: 'abdomen_ap', score: 0.99 });
    const stored = await decidedStudy(`selected by ${what}`);
    const decisions = () =>
      Promise.all(stored.map(async ({ orthancId }) => (await reader().record(orthancId))?.when));
    const before = await decisions();
    const selection = await wanted(stored);
    const response = await api(of, 'POST', '/requests', { selection, dryRun: true });
    const { asked: found } = await finished(of, response.json.id);
    // Conditions also find instances of the previous tests.
    expect(count === 0 ? found : found % 4 || 4).toBe(count);
    // Not by the pictures that were classified: the hook's and the change log's job of an instance can both look at it.
    expect(await decisions()).toEqual(before);
    for (const { orthancId } of stored)
      expect(await reader().metadata(`instances/${orthancId}`, 'RadiographReclassify')).toBeUndefined();
    // Deleted, so that the next selection finds only its own instances.
    await fetch(`${real.orthanc.url}/patients/${stored[0]?.patient}`, { method: 'DELETE' });
  });

  test('can be cancelled: instances that are not in progress are withdrawn', async () => {
    const of = await service({ env: { PLAINVIEW_CONCURRENCY: '1' } });
    const stored = await decidedStudy('cancelled');
    let release = () => {};
    of.classifier.answer = async () => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return { category: 'pelvis_ap', score: 0.99 };
    };
    const response = await api(of, 'POST', '/requests', { selection: { ids: [stored[0]?.study] } });
    await waitFor(async () => (await api(of, 'GET', `/requests/${response.json.id}`)).json.asked === 4);
    expect((await api(of, 'DELETE', `/requests/${response.json.id}`)).json.state).toBe('cancelled');
    // Otherwise it would go on after a power cut.
    expect(await readFile(join(of.stateDir, 'requests.json'), 'utf8')).toBe('[]');
    of.classifier.answer = async () => ({ category: 'pelvis_ap', score: 0.99 });
    release();
    await waitFor(async () => (await of.metrics()).includes('plainview_queue_jobs{state="waiting"} 0'));
    const after = await categories(stored.map(({ orthancId }) => orthancId));
    expect(after.filter((category) => category === 'knee_lateral').length).toBeGreaterThanOrEqual(3);
    for (const { orthancId } of stored.slice(1))
      expect(await reader().metadata(`instances/${orthancId}`, 'RadiographReclassify')).toBeUndefined();
  });

  test('for a patient by name does not show the name in the log or the API', async () => {
    const stateDir = await freshState(real.orthanc.url);
    const of = await service({ stateDir });
    const query = { PatientName: 'SECRET^NAME' };
    const response = await api(of, 'POST', '/requests', { selection: { query } });
    // Kept there until the request is done. Only the service can read it.
    expect((await stat(join(stateDir, 'requests.json'))).mode & 0o077).toBe(0);
    expect(response.json.selection).toEqual({ query: { PatientName: '…' } });
    await finished(of, response.json.id);
    const listed = await api(of, 'GET', '/requests');
    expect(listed.json.map(({ id }) => id)).toContain(response.json.id);
    await api(of, 'DELETE', `/requests/${response.json.id}`);
    expect(JSON.stringify(listed.json) + of.log()).not.toContain('SECRET');
    expect(of.log()).toContain('"PatientName":"…"');
  });

  test('that cannot be kept is refused, and nothing is reclassified', async () => {
    const stateDir = await freshState(real.orthanc.url);
    const of = await service({ stateDir });
    await decidedStudy('not kept');
    await rm(stateDir, { recursive: true, maxRetries: 10 });
    const { status, json } = await api(of, 'POST', '/requests', { selection: { all: true } });
    expect([status, json.code]).toEqual([503, 'state_unusable']);
    expect((await api(of, 'GET', '/requests')).json).toEqual([]);
    expect(of.classifier.pictures).toHaveLength(4);
    await mkdir(stateDir); // for the stop, which writes its position there
  });

  test('that names an unknown DICOM attribute stops, and its answer names the reason', async () => {
    const of = await service();
    const response = await api(of, 'POST', '/requests', { selection: { query: { StaionName: 'ROOM1' } } });
    expect(await finished(of, response.json.id)).toMatchObject({
      state: 'failed',
      problem: expect.stringContaining('no DICOM attribute StaionName'),
      failure: { code: 'attribute_unknown', params: { attribute: 'StaionName' } },
    });
  });

  test('that names nothing is refused, and an unknown one is not found', async () => {
    const of = await service();
    for (const nothing of [{}, { query: {} }, { query: { PatientID: '*', StudyDate: '' } }])
      expect(await api(of, 'POST', '/requests', { selection: nothing })).toMatchObject({ status: 400 });
    const both = { uids: ['1.2'], query: { PatientID: 'P1' } };
    expect(await api(of, 'POST', '/requests', { selection: both })).toMatchObject({ status: 400 });
    expect(await api(of, 'DELETE', '/requests/00000000-0000-4000-8000-000000000000')).toMatchObject({
      status: 404,
      json: { code: 'request_unknown' },
    });
  });
});
