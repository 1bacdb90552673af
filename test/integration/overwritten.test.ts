import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { image } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
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
  await waitFor(async () => (await reader().metadata(`instances/${id}`, 'RadiographCategory')) === 'hand_ap');
  expect(await reader().record(id)).toEqual(corrected);
  expect(await reader().labels(`studies/${study}`)).toEqual(['hand_ap']);
  expect(of.log()).toContain('was known: it was written again');

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

const isFile = (name: string) => name.endsWith('.json');
