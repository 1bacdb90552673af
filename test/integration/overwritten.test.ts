import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { hold } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { startFaultyProxy } from '../../testkit/faulty-proxy.js';
import { type StoredInstance, useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { freshState, hookAddress, Reader, type TestService } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';
import { sealedRequest } from '../../testkit/signed.js';

const hook = await hookAddress();
const real = useOrthanc({ hook, configuration: { OverwriteInstances: true } });
const { service, stop } = useServices(real, hook);
const reader = () => new Reader(real.orthanc.url);

const changeDecision = async (
  of: TestService,
  id: string,
  method: string,
  leaf: string,
  body: object = {},
) => {
  const given = { ...body, of: (await reader().record(id))?.when };
  const { status } = await callApi(of, method, `/instances/${id}/${leaf}`, { body: given, role: 'reviewer' });
  expect(status).toBe(200);
};

test('a person’s decision is restored when Orthanc replaces the file and loses the metadata', async () => {
  const of = await service();
  const bytes = image();
  const { orthancId: id, study } = await real.storeInstance(bytes);
  await reader().decided(id);
  await changeDecision(of, id, 'PUT', 'decision', { category: 'hand_ap' });
  const corrected = await reader().record(id);

  await real.storeInstance(bytes);
  await waitFor(() => of.log().includes('was known: it was written again'));
  expect(await reader().metadata(`instances/${id}`, 'RadiographCategory')).toBe('hand_ap');
  expect(await reader().record(id)).toEqual(corrected);
  expect(await reader().labels(`studies/${study}`)).toEqual(['hand_ap', 'settled_by_person']);

  await changeDecision(of, id, 'POST', 'undo');
  await real.storeInstance(bytes);
  await waitFor(async () => {
    const record = await reader().record(id);
    return (
      record !== undefined && record.when > (corrected?.when ?? '') && record.category === 'knee_lateral'
    );
  });
  await reader().decided(id);
  expect((await reader().record(id))?.who).toBe('network');
  const left = await readdir(join(of.stateDir, 'corrections'), { recursive: true });
  // That there was a picture with such attributes stays known: others may have the same.
  expect(left.filter((name) => isFile(name) && !name.startsWith('traits'))).toEqual([]);
});

test('an earlier decision by a person is not restored after a requested reclassification', async () => {
  const stateDir = await freshState(real.orthanc.url);
  const of = await service({ stateDir });
  const bytes = image();
  const { orthancId: id } = await real.storeInstance(bytes);
  await reader().decided(id);
  await changeDecision(of, id, 'PUT', 'decision', { category: 'hand_ap' });
  await stop();
  await real.storeInstance(bytes);
  const request = sealedRequest(of.secret, id, { who: 'bob', when: new Date().toISOString() });
  await reader().put(`instances/${id}`, 'RadiographReclassify', request);
  await service({ stateDir });
  expect(await reader().decided(id)).toBe('knee_lateral');
  expect((await reader().record(id))?.requested?.who).toBe('bob');

  // Nor does it come back later.
  await real.storeInstance(bytes);
  expect(await reader().decided(id)).toBe('knee_lateral');
});

test('a correction that cannot be kept is refused, and changes nothing', async () => {
  const of = await service();
  const { orthancId: id } = await real.storeInstance(image());
  await reader().decided(id);
  const before = await reader().record(id);
  await writeFile(join(of.stateDir, 'corrections'), 'in the way');
  const body = { category: 'hand_ap', of: before?.when };
  const { status, json } = await callApi(of, 'PUT', `/instances/${id}/decision`, { body, role: 'reviewer' });
  expect(status).toBe(503);
  expect(json.title).toContain('PLAINVIEW_STATE_DIR');
  expect(await reader().record(id)).toEqual(before);
  expect(await reader().metadata(`instances/${id}`, 'RadiographCategory')).toBe('knee_lateral');
});

describe('another picture that takes the place of one', () => {
  const uids = (what: string) => ({
    studyInstanceUid: uid(`${what} study`),
    seriesInstanceUid: uid(`${what} series`),
    sopInstanceUid: uid(what),
    patientId: what,
  });
  const picture = (what: string, step: number) =>
    image({ ...uids(what), pixels: Uint16Array.from({ length: 64 * 64 }, (_, i) => (i * step) % 4096) });
  const levels = ({ orthancId, series, study }: StoredInstance) => [
    `instances/${orthancId}`,
    `series/${series}`,
    `studies/${study}`,
  ];

  /** A service whose way to Orthanc lets something happen before or after the next call of a kind. */
  async function interrupted() {
    const proxy = await startFaultyProxy(real.orthanc.url);
    const of = await service({ orthanc: proxy.url });
    const interrupt = (
      method: string,
      leaf: string,
      task: (forward: () => Promise<void>) => Promise<unknown>,
    ) => {
      proxy.decide = (call) => {
        if (call.method !== method || !call.url.startsWith('/instances/') || !call.url.endsWith(leaf))
          return 'pass';
        proxy.decide = () => 'pass';
        return async (forward) => {
          await task(forward);
          return 'pass';
        };
      };
    };
    return {
      of,
      before: (method: string, leaf: string, task: () => Promise<unknown>) => interrupt(method, leaf, task),
      after: (method: string, leaf: string, task: () => Promise<unknown>) =>
        interrupt(method, leaf, async (forward) => {
          await forward();
          await task();
        }),
      [Symbol.asyncDispose]: () => proxy.stop(),
    };
  }

  async function expectDecided(stored: StoredInstance, category: string): Promise<void> {
    const record = () => reader().record(stored.orthancId);
    await waitFor(async () => (await record())?.category === category, { what: category });
    await reader().decided(stored.orthancId);
    for (const level of levels(stored))
      await waitFor(async () => (await reader().labels(level)).join() === category, { what: level });
  }

  test('while it is classified: its decision is not that of the other one', async () => {
    const of = await service();
    const { reached, release } = hold(of.classifier, { category: 'hand_ap', score: 0.99 });
    const stored = await real.storeInstance(picture('classified', 3));
    await reached;
    of.classifier.answer = async () => ({ category: 'wrist_ap', score: 0.99 });
    await real.storeInstance(picture('classified', 7));
    release();
    await expectDecided(stored, 'wrist_ap');
  });

  test('while its failure is found: the other one is classified', async () => {
    await using site = await interrupted();
    site.of.classifier.answer = async () => ({ category: 'wrist_ap', score: 0.99 });
    // Orthanc has answered already that it cannot render the first one.
    site.after('GET', '/rendered', () => real.storeInstance(picture('failing', 7)));
    const stored = await real.storeInstance(image({ ...uids('failing'), truncateBy: 5000 }));
    await expectDecided(stored, 'wrist_ap');
  });

  test.each([
    ['PUT', '/metadata/Radiograph'],
    ['PUT', '/labels/hand_ap'],
    ['PUT', '/metadata/RadiographCategory'],
  ])('before %s …%s of its decision: the decision that stands is that of the other one', async (...call) => {
    await using site = await interrupted();
    const { of } = site;
    of.classifier.answer = async () => ({ category: 'hand_ap', score: 0.99 });
    const what = `written ${call.join(' ')}`;
    site.before(...call, async () => {
      of.classifier.answer = async () => ({ category: 'wrist_ap', score: 0.99 });
      await real.storeInstance(picture(what, 7));
    });
    const stored = await real.storeInstance(picture(what, 3));
    await expectDecided(stored, 'wrist_ap');
  });

  test.each([
    ['PUT', '/metadata/Radiograph'],
    ['DELETE', '/metadata/RadiographCategory'],
    ['PUT', '/labels/hand_ap'],
    ['PUT', '/metadata/RadiographCategory'],
  ])(
    'before %s …%s of a correction: the correction is refused, and nothing of it is left',
    async (...call) => {
      await using site = await interrupted();
      const { of } = site;
      const what = `corrected ${call.join(' ')}`;
      const stored = await real.storeInstance(picture(what, 3));
      await reader().decided(stored.orthancId);
      of.classifier.answer = async () => ({ category: 'wrist_ap', score: 0.99 });
      site.before(...call, () => real.storeInstance(picture(what, 7)));
      const body = { category: 'hand_ap', of: (await reader().record(stored.orthancId))?.when };
      const answer = await callApi(of, 'PUT', `/instances/${stored.orthancId}/decision`, { body });
      expect(answer).toMatchObject({ status: 409, json: { code: 'picture_replaced' } });
      await expectDecided(stored, 'wrist_ap');
      expect((await reader().record(stored.orthancId))?.who).toBe('network');
    },
  );

  test('while a person looks at it: what they say of it is refused', async () => {
    const of = await service();
    const stored = await real.storeInstance(picture('seen', 3));
    const { orthancId: id } = stored;
    await reader().decided(id);
    const seen = (await callApi(of, 'GET', `/instances/${id}`)).json;
    of.classifier.answer = async () => ({ category: 'wrist_ap', score: 0.99 });
    await real.storeInstance(picture('seen', 7));
    await expectDecided(stored, 'wrist_ap');
    const now = (await callApi(of, 'GET', `/instances/${id}`)).json;
    for (const [method, leaf, more] of [
      ['PUT', 'decision', { category: 'hand_ap' }],
      ['POST', 'confirmation', {}],
    ] as const) {
      const body = { ...more, of: now.when, picture: seen.picture };
      expect(await callApi(of, method, `/instances/${id}/${leaf}`, { body })).toMatchObject({
        status: 409,
        json: { code: 'picture_replaced' },
      });
    }
    const body = { category: 'hand_ap', of: now.when, picture: now.picture };
    expect((await callApi(of, 'PUT', `/instances/${id}/decision`, { body })).status).toBe(200);
  });

  test('is not what Plainview stores anew with tags: the picture is the same', async () => {
    const of = await service({ env: { PLAINVIEW_TAGS: 'absent' } });
    const { orthancId: id } = await real.storeInstance(picture('tagged', 3));
    await reader().decided(id);
    const { picture: seen } = (await callApi(of, 'GET', `/instances/${id}`)).json;
    await waitFor(async () => (await reader().metadata(`instances/${id}`, 'RadiographTags')) !== undefined);
    const { when, picture: now } = (await callApi(of, 'GET', `/instances/${id}`)).json;
    expect(now).toBe(seen);
    const body = { category: 'hand_ap', of: when, picture: seen };
    expect((await callApi(of, 'PUT', `/instances/${id}/decision`, { body })).status).toBe(200);
  });
});

const isFile = (name: string) => name.endsWith('.json');
