import { describe, expect, test } from 'vitest';
import { reasonOf } from '../../src/decisions/reasons.js';
import { callApi } from '../../testkit/api.js';
import { image, uid } from '../../testkit/dicom.js';
import { startFaultyProxy } from '../../testkit/faulty-proxy.js';
import { useOrthanc, waitFor, withOrthanc } from '../../testkit/orthanc.js';
import { freshState, hookAddress, Reader, type TestService } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';

const hook = await hookAddress();
/**
 * Orthanc 1.13.0. Before, a rendering of Orthanc that meets a deletion can stop its index for ever: a move deletes the
 * original, while the service has the copy rendered.
 */
const real = useOrthanc({ hook, suite: 'forky', configuration: { OverwriteInstances: true } });
const { service, stop } = useServices(real, hook);
const reader = () => new Reader(real.orthanc.url);

let serial = 0;
/** Another picture each time, in a study of its own. */
function picture(more: Parameters<typeof image>[0] = {}) {
  const seed = `moved ${serial++}`;
  const pixels = Uint16Array.from({ length: 64 * 64 }, (_, i) => (i * (serial + 3)) % 4096);
  return image({
    studyInstanceUid: uid(`${seed} study`),
    seriesInstanceUid: uid(`${seed} series`),
    sopInstanceUid: uid(seed),
    patientId: seed,
    pixels,
    ...more,
  });
}

async function correct(of: TestService, id: string, category = 'hand_ap') {
  const body = { category, of: (await reader().record(id))?.when };
  return callApi(of, 'PUT', `/instances/${id}/decision`, { body, role: 'reviewer' });
}

/** Stores a picture that the network calls knee_lateral and a person hand_ap. */
async function corrected(of: TestService, bytes = picture()) {
  const stored = await real.storeInstance(bytes);
  await reader().decided(stored.orthancId);
  expect((await correct(of, stored.orthancId)).status).toBe(200);
  return { ...stored, bytes, said: await reader().record(stored.orthancId) };
}

async function post(path: string, body: object) {
  const answer = await fetch(`${real.orthanc.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
const get = async (path: string): Promise<any> => (await fetch(`${real.orthanc.url}${path}`)).json();
const remove = (path: string) => fetch(`${real.orthanc.url}${path}`, { method: 'DELETE' });

const onlyInstance = async (study: string): Promise<string> =>
  (await get(`/studies/${study}/instances`))[0].ID;

describe('a person’s decision belongs to the picture:', () => {
  const moves = {
    'a wrong patient that is put right': { Replace: { PatientID: 'RIGHT', PatientName: 'RIGHT' } },
    'the same with the UIDs kept': {
      Replace: { PatientID: 'RIGHT TOO' },
      Keep: ['StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID'],
    },
  };

  test.each(Object.entries(moves))('%s', async (_what, modification) => {
    const of = await service();
    const { study, said } = await corrected(of);
    const { ID } = await post(`/studies/${study}/modify`, {
      ...modification,
      Force: true,
      KeepSource: false,
    });
    const id = await onlyInstance(ID);
    expect(await reader().decided(id)).toBe('hand_ap');
    expect(await reader().record(id)).toMatchObject({ who: 'person', person: said?.person });
    expect(await reader().labels(`studies/${ID}`)).toEqual(['hand_ap', 'settled_by_person']);
  });

  test('a study that is split', async () => {
    const of = await service();
    const { study, series } = await corrected(of);
    const { TargetStudy } = await post(`/studies/${study}/split`, { Series: [series], KeepSource: false });
    const id = await onlyInstance(TargetStudy);
    expect(await reader().decided(id)).toBe('hand_ap');
  });

  test('studies, and so patients, that are merged', async () => {
    const of = await service();
    const target = await corrected(of);
    const { study, orthancId } = await corrected(of);
    await post(`/studies/${target.study}/merge`, { Resources: [study], KeepSource: false });
    const ids: string[] = (await get(`/studies/${target.study}/instances`)).map(
      ({ ID }: { ID: string }) => ID,
    );
    const moved = ids.find((id) => id !== target.orthancId) ?? '';
    expect(moved).not.toBe(orthancId);
    expect(await reader().decided(moved)).toBe('hand_ap');
  });

  test('a move back and forth', async () => {
    const of = await service();
    const { study, orthancId, said } = await corrected(of);
    const { PatientID } = (await get(`/studies/${study}`)).PatientMainDicomTags;
    const keep = {
      Keep: ['StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID'],
      Force: true,
      KeepSource: false,
    };
    const there = await post(`/studies/${study}/modify`, { ...keep, Replace: { PatientID: 'ELSEWHERE' } });
    const away = await onlyInstance(there.ID);
    expect(await reader().decided(away)).toBe('hand_ap');
    await post(`/studies/${there.ID}/modify`, { ...keep, Replace: { PatientID } });
    expect(await reader().decided(orthancId)).toBe('hand_ap');
    expect((await reader().record(orthancId))?.person).toEqual(said?.person);
  });

  test('a deletion and a re-send, compressed without loss meanwhile', async () => {
    const of = await service();
    const { orthancId, said } = await corrected(of);
    const compressed = await fetch(`${real.orthanc.url}/instances/${orthancId}/modify`, {
      method: 'POST',
      body: JSON.stringify({ Transcode: '1.2.840.10008.1.2.4.70', Keep: ['SOPInstanceUID'], Force: true }),
    });
    const bytes = Buffer.from(await compressed.arrayBuffer());
    await remove(`/instances/${orthancId}`);
    await real.storeInstance(bytes);
    expect(await reader().decided(orthancId)).toBe('hand_ap');
    expect((await reader().record(orthancId))?.person).toEqual(said?.person);
  });

  test('an undo after a move takes it from the picture for good', async () => {
    const of = await service();
    const { study, bytes, orthancId } = await corrected(of);
    const { ID } = await post(`/studies/${study}/modify`, {
      Replace: { PatientID: 'UNDONE' },
      Keep: ['StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID'],
      Force: true,
      KeepSource: false,
    });
    const id = await onlyInstance(ID);
    expect(await reader().decided(id)).toBe('hand_ap');
    const body = { of: (await reader().record(id))?.when };
    expect((await callApi(of, 'POST', `/instances/${id}/undo`, { body, role: 'reviewer' })).status).toBe(200);
    await real.storeInstance(bytes);
    expect(await reader().decided(orthancId)).toBe('knee_lateral');
  });

  test('an anonymised copy gets the category and the answer, and not the name of who gave it, or the word', async () => {
    const of = await service();
    const { study, orthancId, said } = await corrected(
      of,
      picture({ attributes: { '0008,1030': ['LO', 'Schulter ap'] } }),
    );
    // The network's decision can tell what alice said of another picture.
    const told = {
      ...reasonOf('same_uid', { who: 'alice', category: 'hand_ap' }),
      ...{ decision: 'needs_review', category: undefined },
    };
    const before = { ...said?.before, ...told, reason: `${told.reason}. Of this one: knee_lateral at 0.990` };
    await reader().put(`instances/${orthancId}`, 'Radiograph', JSON.stringify({ ...said, before }));
    const answer = await callApi(of, 'POST', `/instances/${orthancId}/acknowledgement`, {
      body: { answer: 'no_matter', why: 'a telling word', of: said?.when },
    });
    expect(answer.status).toBe(200);
    const oriented = await callApi(of, 'PUT', `/instances/${orthancId}/orientation`, {
      body: { turned: 90, mirrored: false, of: answer.json.when },
      who: 'carol',
    });
    expect(oriented.status).toBe(200);
    const { ID } = await post(`/studies/${study}/anonymize`, {});
    const id = await onlyInstance(ID);
    expect(await reader().decided(id)).toBe('hand_ap');
    const text = await reader().metadata(`instances/${id}`, 'Radiograph');
    expect(text).not.toMatch(/alice|carol|telling/);
    expect(text).toContain('no_matter');
    expect(await reader().record(id)).toMatchObject({
      who: 'person',
      orientation: { turned: 90, person: { who: 'a person' } },
      before: { because: [{ code: 'same_uid', params: { who: 'a person', category: 'hand_ap' } }] },
    });
    expect(text).toContain('and a person said of it: hand_ap. Of this one: knee_lateral at 0.990');
  });

  test('a copy of an anonymised copy does not get that name either, and the original keeps it', async () => {
    const of = await service();
    const { study, bytes, orthancId, said } = await corrected(of);
    const anonymised = await post(`/studies/${study}/anonymize`, {});
    await reader().decided(await onlyInstance(anonymised.ID));
    const { ID } = await post(`/studies/${anonymised.ID}/modify`, {
      Replace: { PatientID: 'ANONYMOUS' },
      Force: true,
      KeepSource: false,
    });
    const id = await onlyInstance(ID);
    expect(await reader().decided(id)).toBe('hand_ap');
    expect(await reader().metadata(`instances/${id}`, 'Radiograph')).not.toContain('alice');
    await real.storeInstance(bytes);
    expect(await reader().decided(orthancId)).toBe('hand_ap');
    expect((await reader().record(orthancId))?.person).toEqual(said?.person);
  });

  test('two persons about a picture and its copy: the newer decision is kept, whatever a sweep sees', async () => {
    const of = await service();
    const { study, bytes, orthancId } = await corrected(of);
    const { ID } = await post(`/studies/${study}/modify`, { Replace: { PatientID: 'COPY' }, Force: true });
    const id = await onlyInstance(ID);
    expect(await reader().decided(id)).toBe('hand_ap');
    expect((await correct(of, id, 'wrist_ap')).status).toBe(200);
    await callApi(of, 'POST', '/sweep', { body: {} });
    await waitFor(async () => (await callApi(of, 'GET', '/sweep')).json.state === 'idle');
    await remove(`/studies/${ID}`);
    await remove(`/studies/${study}`);
    await real.storeInstance(bytes);
    expect(await reader().decided(orthancId)).toBe('wrist_ap');
  });

  test('pictures that Orthanc cannot decode, each its own', async () => {
    const of = await service();
    const undecodable = (text: string) =>
      picture({ compressed: { transferSyntax: 'jpegBaseline', frames: [Buffer.from(text.padEnd(64))] } });
    const pictures = [];
    for (const [category, bytes] of [
      ['hand_ap', undecodable('one')],
      ['knee_ap', undecodable('two')],
      ['wrist_ap', picture({ truncateBy: 5000 })],
      ['ankle_ap', picture({ truncateBy: 5000 })],
    ] as const) {
      const { orthancId } = await real.storeInstance(bytes);
      expect(await reader().decided(orthancId)).toBe('unknown');
      expect((await correct(of, orthancId, category)).status).toBe(200);
      pictures.push({ bytes, orthancId, category });
    }
    for (const { bytes, orthancId, category } of pictures) {
      await real.storeInstance(bytes);
      expect(await reader().decided(orthancId)).toBe(category);
    }
  });

  test('a picture that goes to another Orthanc and comes back', async () => {
    const of = await service();
    const { orthancId, said } = await corrected(of);
    await withOrthanc({}, async (other) => {
      const file = Buffer.from(
        await (await fetch(`${real.orthanc.url}/instances/${orthancId}/file`)).arrayBuffer(),
      );
      await fetch(`${other.url}/instances`, { method: 'POST', body: file });
      await remove(`/instances/${orthancId}`);
      const back = Buffer.from(await (await fetch(`${other.url}/instances/${orthancId}/file`)).arrayBuffer());
      await real.storeInstance(back);
    });
    expect(await reader().decided(orthancId)).toBe('hand_ap');
    expect((await reader().record(orthancId))?.person).toEqual(said?.person);
  });

  test('what was corrected before decisions were kept goes with the picture once a sweep has seen it', async () => {
    const of = await service();
    const { study, bytes } = await corrected(of);
    await stop();
    const fresh = await service();
    await callApi(fresh, 'POST', '/sweep', { body: {} });
    await waitFor(async () => (await callApi(fresh, 'GET', '/sweep')).json.state === 'idle');
    await remove(`/studies/${study}`);
    const { orthancId } = await real.storeInstance(bytes);
    expect(await reader().decided(orthancId)).toBe('hand_ap');
  });
});

describe('another picture under the same UIDs needs review, with what was said of the former one:', () => {
  const values = (count: number, value: (index: number) => number) =>
    Uint16Array.from({ length: count }, (_, index) => value(index));
  const pairs: Record<string, [Parameters<typeof image>[0], Parameters<typeof image>[0]]> = {
    plain: [{}, {}],
    'signed, different only below 0': [3, 7].map((step) => ({
      bitsStored: 16,
      attributes: { '0028,0103': ['US', 1] as const },
      pixels: values(64 * 64, (index) => 65_535 - ((index * step) % 4096)),
    })) as [object, object],
    'of several frames, the first one alike': [3, 7].map((step) => ({
      frames: 3,
      pixels: values(3 * 64 * 64, (index) => (index < 64 * 64 ? 0 : (index * step) % 4096)),
    })) as [object, object],
    'in colour': [3, 7].map((step) => ({
      bitsStored: 8,
      photometricInterpretation: 'RGB',
      pixels: Uint8Array.from({ length: 3 * 64 * 64 }, (_, index) => (index * step) % 251),
    })) as [object, object],
  };

  test.each(Object.entries(pairs))('%s', async (what, [former, other]) => {
    const of = await service({ env: { PLAINVIEW_MULTIFRAME: 'middle' } });
    const ids = {
      studyInstanceUid: uid(`${what} study`),
      seriesInstanceUid: uid(`${what} series`),
      sopInstanceUid: uid(what),
      patientId: what,
    };
    const bytes = picture({ ...ids, ...former });
    const { orthancId } = await corrected(of, bytes);
    await real.storeInstance(bytes);
    expect(await reader().decided(orthancId)).toBe('hand_ap');
    await real.storeInstance(picture({ ...ids, ...other }));
    expect(await reader().decided(orthancId)).toBe('unknown');
    const record = await reader().record(orthancId);
    expect(record).toMatchObject({ who: 'network', decision: 'needs_review' });
    expect(record?.top[0]?.category).toBe('knee_lateral');
    expect(record?.reason).toContain('alice');
    expect(record?.reason).toContain('hand_ap');
  });
});

test('a correction that Orthanc did not take is none: nothing is put back later', async () => {
  const proxy = await startFaultyProxy(real.orthanc.url);
  const of = await service({ orthanc: proxy.url, env: { PLAINVIEW_ORTHANC_RETRIES: '0' } });
  const bytes = picture();
  const { orthancId } = await real.storeInstance(bytes);
  await reader().decided(orthancId);
  proxy.decide = ({ method }) => (method === 'PUT' || method === 'DELETE' ? 503 : 'pass');
  expect((await correct(of, orthancId)).status).toBe(503);
  proxy.decide = () => 'pass';
  await remove(`/instances/${orthancId}`);
  await waitFor(async () => (await fetch(`${of.url}/health/ready`)).status === 200);
  await real.storeInstance(bytes);
  expect(await reader().decided(orthancId)).toBe('knee_lateral');
  expect((await reader().record(orthancId))?.who).toBe('network');
  await proxy.stop();
});

test('what was begun when the service was killed is settled by what Orthanc has', async () => {
  const proxy = await startFaultyProxy(real.orthanc.url);
  const stateDir = await freshState(real.orthanc.url);
  const of = await service({ orthanc: proxy.url, stateDir, env: { PLAINVIEW_ORTHANC_RETRIES: '0' } });
  const bytes = picture();
  const { orthancId } = await real.storeInstance(bytes);
  await reader().decided(orthancId);
  // From the first write on, nothing comes through, and then the service is gone.
  let isCut = false;
  proxy.decide = ({ method }) => {
    isCut ||= method === 'PUT' || method === 'DELETE';
    return isCut ? 'cut' : 'pass';
  };
  expect((await correct(of, orthancId)).status).toBe(503);
  await stop();
  await proxy.stop();
  const again = await service({ stateDir });
  await waitFor(async () => (await fetch(`${again.url}/health/ready`)).status === 200);
  await remove(`/instances/${orthancId}`);
  await real.storeInstance(bytes);
  expect(await reader().decided(orthancId)).toBe('knee_lateral');
});
