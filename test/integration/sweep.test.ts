import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { hold, type Stub, stubClassifier } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { startFaultyProxy } from '../../testkit/faulty-proxy.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { freshState, Reader, startTestService, type TestService } from '../../testkit/service.js';
import { fetchSigned, sealedRequest } from '../../testkit/signed.js';

/** There is no hook, so the service finds instances only by itself. */
const real = useOrthanc({ configuration: { OverwriteInstances: true } });
const running: TestService[] = [];
const reader = () => new Reader(real.orthanc.url);

async function service(
  classifier: Stub = stubClassifier(),
  env: NodeJS.ProcessEnv = {},
): Promise<TestService> {
  const started = await startTestService({ orthanc: real.orthanc.url, classifier, env });
  running.push(started);
  return started;
}

afterEach(async () => {
  for (const started of running.splice(0)) await started.stop();
});

/** Requests a sweep and waits for its end. */
async function sweep({ url, secret }: TestService): Promise<{ found: number; done: number; total: number }> {
  expect((await fetchSigned(secret, `${url}/api/v1/sweep`, { method: 'POST' })).status).toBe(202);
  return waitFor(async () => {
    const state = (await (await fetchSigned(secret, `${url}/api/v1/sweep`)).json()) as { state: string };
    return state.state === 'idle' && (state as { state: string; found: number; done: number; total: number });
  });
}

/** Whether all enqueued jobs are done. */
async function idle({ url }: TestService): Promise<boolean> {
  const { queue } = (await (await fetch(`${url}/health/ready`)).json()) as { queue: Record<string, number> };
  return Object.values(queue).every((jobs) => jobs === 0);
}

const as = (category: string, sha: string): Stub => {
  const stub = stubClassifier(sha.repeat(64));
  stub.answer = async () => ({ category, score: 0.99 });
  return stub;
};

describe('a sweep', () => {
  test('finds instances without a notice and decisions of another network, and nothing a second time', async () => {
    const studyInstanceUid = uid('swept');
    const stored = [];
    for (let n = 0; n < 3; n++) stored.push(await real.storeInstance(image({ studyInstanceUid })));
    const ct = await real.storeInstance(image({ modality: 'CT' }));
    const first = await service(as('knee_ap', 'a'));
    expect((await sweep(first)).found).toBeGreaterThanOrEqual(3);
    for (const { orthancId } of stored) expect(await reader().decided(orthancId)).toBe('knee_ap');
    expect(await reader().labels(`instances/${ct.orthancId}`)).toEqual([]);
    expect((await sweep(first)).found).toBe(0);

    const second = await service(as('hand_ap', 'b'));
    expect((await sweep(second)).found).toBeGreaterThanOrEqual(3);
    expect(await reader().labels(`studies/${stored[0]?.study}`)).toEqual(['hand_ap']);
  });

  test('repairs a study that lost an instance, and one that lost its labels', async () => {
    const studyInstanceUid = uid('deleted from');
    const one = await real.storeInstance(image({ studyInstanceUid }));
    const classifier = as('knee_ap', 'a');
    const started = await service(classifier);
    await sweep(started);
    classifier.answer = async () => ({ category: 'ankle_ap', score: 0.99 });
    const two = await real.storeInstance(image({ studyInstanceUid }));
    await reader().decided(two.orthancId);
    await waitFor(async () => (await reader().labels(`studies/${one.study}`)).length === 2);
    await fetch(`${real.orthanc.url}/instances/${two.orthancId}`, { method: 'DELETE' });
    await sweep(started);
    expect(await reader().labels(`studies/${one.study}`)).toEqual(['knee_ap']);
    await fetch(`${real.orthanc.url}/studies/${one.study}/labels/knee_ap`, { method: 'DELETE' });
    await sweep(started);
    expect(await reader().labels(`studies/${one.study}`)).toEqual(['knee_ap']);
  });

  test('repairs an instance that lost its label, and all labels after a change of the prefix', async () => {
    const { orthancId, study } = await real.storeInstance(image());
    const started = await service(as('knee_ap', 'f'));
    await sweep(started);
    await fetch(`${real.orthanc.url}/instances/${orthancId}/labels/knee_ap`, { method: 'DELETE' });
    await sweep(started);
    expect(await reader().labels(`instances/${orthancId}`)).toEqual(['knee_ap']);
    await started.stop();
    running.splice(0);

    const prefixed = await service(as('knee_ap', 'f'), { PLAINVIEW_LABEL_PREFIX: 'pv_' });
    await sweep(prefixed);
    expect(await reader().labels(`instances/${orthancId}`)).toEqual(['pv_knee_ap']);
    expect(await reader().labels(`studies/${study}`)).toEqual(['pv_knee_ap']);
    expect(prefixed.classifier.pictures).toEqual([]);
  });

  test('continues after a restart where it stopped, and does not start again when it has ended', async () => {
    const stored = [];
    for (let n = 0; n < 60; n++) stored.push(await real.storeInstance(image()));
    const slow = as('knee_ap', 'd');
    const proxy = await startFaultyProxy(real.orthanc.url);
    const stateDir = await freshState(real.orthanc.url);
    const env = { PLAINVIEW_SHUTDOWN_SECONDS: '0', PLAINVIEW_ORTHANC_TIMEOUT_MS: '60000' };
    const first = await startTestService({ orthanc: proxy.url, classifier: slow, stateDir, env });
    running.push(first);
    let held: ReturnType<typeof hold> | undefined;
    // The sweep reads a page when the previous one is decided. Nothing of the second page is decided, so the stop comes
    // during that page.
    proxy.decide = ({ url, body }) => {
      // Jobs ask by UID, without it.
      if (url !== '/tools/find' || !body.includes('"Expand":true')) return 'pass';
      return async () => {
        await waitFor(() => idle(first), { timeout: 50_000 });
        if (slow.pictures.length > 0) held ??= hold(slow, { category: 'knee_ap', score: 0.99 });
        return 'pass';
      };
    };
    await callApi(first, 'POST', '/sweep', { body: {} });
    const saved = () => readFile(join(stateDir, 'sweep.json'), 'utf8').catch(() => 'not begun');
    await waitFor(async () => (await saved()).includes('"done":50'), { timeout: 50_000 });
    running.splice(0);
    await first.stop();
    held?.release();
    await proxy.stop();

    const second = await startTestService({
      orthanc: real.orthanc.url,
      classifier: as('knee_ap', 'd'),
      stateDir,
    });
    running.push(second);
    await waitFor(() => second.log().includes('"from":50'), { what: 'a sweep from where it was stopped' });
    for (const { orthancId } of stored) expect(await reader().decided(orthancId)).toBe('knee_ap');
    await waitFor(() => second.log().includes('sweep ends'));
    await second.stop();
    running.splice(0);
    const third = await startTestService({
      orthanc: real.orthanc.url,
      classifier: as('knee_ap', 'd'),
      stateDir,
    });
    running.push(third);
    expect(third.log()).not.toContain('sweep begins');
    await third.stop();
    running.splice(0);
    await rm(stateDir, { recursive: true });
  });

  test('needs the secret', async () => {
    const { url } = await service();
    expect((await fetch(`${url}/api/v1/sweep`, { method: 'POST' })).status).toBe(401);
    expect((await fetch(`${url}/api/v1/sweep`)).status).toBe(401);
  });
});

describe('an archive that changes', () => {
  test('a re-upload that overwrites (OverwriteInstances) is decided again', async () => {
    await service();
    const bytes = image();
    const { orthancId, study } = await real.storeInstance(bytes);
    await reader().decided(orthancId);
    await fetch(`${real.orthanc.url}/instances`, { method: 'POST', body: new Uint8Array(bytes) });
    await waitFor(async () => (await reader().labels(`studies/${study}`)).includes('knee_lateral'));
    expect(await reader().decided(orthancId)).toBe('knee_lateral');
    expect(await reader().labels(`instances/${orthancId}`)).toEqual(['knee_lateral']);
  });

  test('modified and anonymised copies get decisions of their own', async () => {
    await service();
    const { orthancId, study } = await real.storeInstance(image());
    await reader().decided(orthancId);
    for (const what of ['modify', 'anonymize']) {
      const body = {
        ...(what === 'modify' ? { Replace: { StudyDescription: 'copy' } } : {}),
        KeepSource: true,
      };
      const answer = await fetch(`${real.orthanc.url}/studies/${study}/${what}`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      const copy = ((await answer.json()) as { ID: string }).ID;
      await waitFor(async () => (await reader().labels(`studies/${copy}`)).includes('knee_lateral'));
    }
    expect(await reader().labels(`studies/${study}`)).toEqual(['knee_lateral']);
  });

  test('a series that is moved to another study takes its labels along', async () => {
    const classifier = stubClassifier();
    await service(classifier);
    const studyInstanceUid = uid('split from');
    const stays = await real.storeInstance(image({ studyInstanceUid, seriesInstanceUid: uid('stays') }));
    await reader().decided(stays.orthancId);
    classifier.answer = async () => ({ category: 'hand_ap', score: 0.99 });
    const goes = await real.storeInstance(image({ studyInstanceUid, seriesInstanceUid: uid('goes') }));
    await reader().decided(goes.orthancId);
    const answer = await fetch(`${real.orthanc.url}/studies/${goes.study}/split`, {
      method: 'POST',
      body: JSON.stringify({ Series: [goes.series], KeepSource: false, Synchronous: true }),
    });
    const target = ((await answer.json()) as { TargetStudy: string }).TargetStudy;
    await waitFor(async () => (await reader().labels(`studies/${target}`)).includes('hand_ap'));
    await sweep(running[0] as TestService);
    expect(await reader().labels(`studies/${stays.study}`)).toEqual(['knee_lateral']);
  });

  test('merged studies and patients get the labels of their instances', async () => {
    const classifier = stubClassifier();
    const started = await service(classifier);
    const post = async (path: string, body: object) => {
      const init = { method: 'POST', body: JSON.stringify({ ...body, Synchronous: true }) };
      const answer = await fetch(`${real.orthanc.url}/${path}`, init);
      expect(answer.ok).toBe(true);
      return (await answer.json()) as { ID: string };
    };
    const target = await real.storeInstance(image());
    await reader().decided(target.orthancId);
    classifier.answer = async () => ({ category: 'hand_ap', score: 0.99 });
    const source = await real.storeInstance(image());
    await reader().decided(source.orthancId);
    await post(`studies/${target.study}/merge`, { Resources: [source.series], KeepSource: false });
    await waitFor(async () => (await reader().labels(`studies/${target.study}`)).length === 2);
    await sweep(started);
    expect(await reader().labels(`studies/${target.study}`)).toEqual(['hand_ap', 'knee_lateral']);

    const other = await real.storeInstance(image({ patientId: 'PLAINVIEW-OTHER' }));
    const same = await real.storeInstance(image({ patientId: 'PLAINVIEW-SAME' }));
    for (const { orthancId } of [other, same]) await reader().decided(orthancId);
    const { ID } = await post(`patients/${other.patient}/modify`, {
      Replace: { PatientID: 'PLAINVIEW-SAME', PatientName: 'TEST^PLAINVIEW' },
      Force: true,
      KeepSource: false,
    });
    const { Studies } = (await (await fetch(`${real.orthanc.url}/patients/${ID}`)).json()) as {
      Studies: string[];
    };
    for (const study of Studies)
      await waitFor(async () => (await reader().labels(`studies/${study}`)).length > 0);
  });
});

describe('a request in the metadata', () => {
  const putRequest = (id: string, request: object | string) =>
    reader().put(
      `instances/${id}`,
      'RadiographReclassify',
      typeof request === 'string' ? request : JSON.stringify(request),
    );
  const answered = (id: string) =>
    waitFor(async () => (await reader().metadata(`instances/${id}`, 'RadiographReclassify')) === undefined);

  test('has an instance decided again and records the caller, also if it was written while the service was down', async () => {
    const classifier = stubClassifier();
    const first = await service(classifier);
    const { orthancId } = await real.storeInstance(image());
    await reader().decided(orthancId);
    classifier.answer = async () => ({ category: 'knee_ap', score: 0.99 });
    await putRequest(orthancId, { who: 'radiographer', when: '2026-01-01T00:00:00Z' });
    await answered(orthancId);
    expect(await reader().decided(orthancId)).toBe('knee_ap');
    expect((await reader().record(orthancId))?.requested?.who).toBe('radiographer');
    await first.stop();
    running.splice(0);

    await putRequest(orthancId, 'a button’s plain text');
    const later = stubClassifier();
    running.push(await startTestService({ orthanc: real.orthanc.url, classifier: later, fromStart: true }));
    await answered(orthancId);
    expect(await reader().decided(orthancId)).toBe('knee_lateral');
  });

  test('does not change a correction by a person, unless it includes corrected instances', async () => {
    const { secret } = await service();
    const { orthancId } = await real.storeInstance(image());
    await reader().decided(orthancId);
    const record = await reader().record(orthancId);
    await reader().put(`instances/${orthancId}`, 'Radiograph', JSON.stringify({ ...record, who: 'person' }));
    await putRequest(orthancId, { who: 'x' });
    await answered(orthancId);
    expect((await reader().record(orthancId))?.who).toBe('person');
    await putRequest(
      orthancId,
      sealedRequest(secret, orthancId, { who: 'x', when: new Date().toISOString() }),
    );
    await answered(orthancId);
    expect((await reader().record(orthancId))?.who).toBe('network');
  });
});
