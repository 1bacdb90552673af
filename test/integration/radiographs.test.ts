import { afterEach, beforeAll, expect, test } from 'vitest';
import { Categories } from '../../src/anatomy/categories.js';
import { loadConfig } from '../../src/config/load.js';
import { createHanger } from '../../src/hanging/hanger.js';
import { Orthanc } from '../../src/orthanc/orthanc.js';
import { find } from '../../src/select/finds.js';
import { callApi } from '../../testkit/api.js';
import { type Stub, stubClassifier } from '../../testkit/classifier.js';
import { type ImageOptions, image, instance, sopClasses, uid } from '../../testkit/dicom.js';
import { type StoredInstance, useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { hookAddress, Reader, startTestService, type TestService } from '../../testkit/service.js';

const hook = await hookAddress();
/** Nobody answers the hook when the first files are stored. */
// The first files come before any service: the hook's pause after that is short.
const real = useOrthanc({ hook, env: { PLAINVIEW_HOOK_QUIET_S: '0' } });
const reader = () => new Reader(real.orthanc.url);
const modalities = ['CR', 'DX', 'RG', 'PX', 'IO'];
const forProcessing = `${sopClasses.DX}.1`;

const withModality = (value: string | undefined): NonNullable<ImageOptions['attributes']> => ({
  '0008,0060': value === undefined ? 'absent' : ['CS', value],
});

/** Name → picture, and what its series begins with. */
const radiographs: Record<string, ImageOptions & { first?: 'SR' }> = {
  'in a series that begins with a report': { first: 'SR' },
  'of secondary capture, in a series that begins with a report': { first: 'SR', modality: 'RG' },
  'without Modality': { attributes: withModality(undefined) },
  'without Modality, for processing': { sopClassUid: forProcessing, attributes: withModality(undefined) },
  'with an empty Modality': { modality: 'CR', attributes: withModality('') },
  'with Modality dx': { attributes: withModality('dx') },
  'with Modality DX\\CR': { attributes: withModality('DX\\CR') },
  'with Modality US': { modality: 'CR', attributes: withModality('US') },
  'of secondary capture, with Modality dx': { modality: 'RG', attributes: withModality('dx') },
};
const others: Record<string, ImageOptions & { first?: 'SR' }> = {
  CT: { modality: 'CT' },
  mammography: { modality: 'MG' },
  'mammography on a plate': { modality: 'CR', attributes: withModality('MG') },
  'mammography without Modality': { modality: 'MG', attributes: withModality('') },
  'secondary capture without Modality': { modality: 'OT', attributes: withModality(undefined) },
};

type Stored = Record<string, StoredInstance>;

async function store(kinds: typeof radiographs, seed: string): Promise<Stored> {
  const stored: Stored = {};
  for (const [name, { first, ...options }] of Object.entries(kinds)) {
    const place = {
      patientId: seed,
      studyInstanceUid: uid(`${seed} study ${name}`),
      seriesInstanceUid: uid(`${seed} series ${name}`),
    };
    if (first !== undefined) await real.storeInstance(instance({ ...place, modality: first }));
    stored[name] = await real.storeInstance(image({ ...place, ...options }));
  }
  return stored;
}

const running: TestService[] = [];
async function service(
  sha: string,
  options: Partial<Parameters<typeof startTestService<Stub>>[0]> = {},
): Promise<TestService> {
  const classifier = stubClassifier(sha.repeat(64));
  classifier.answer = async () => ({ category: 'knee_ap', score: 0.99 });
  const started = await startTestService({ orthanc: real.orthanc.url, classifier, ...options });
  running.push(started);
  return started;
}
afterEach(async () => {
  for (const started of running.splice(0)) await started.stop();
});

/** Names of those that the network with this digest decided. */
async function decidedBy(sha: string, stored: Stored): Promise<string[]> {
  const records = await Promise.all(
    Object.entries(stored).map(async ([name, { orthancId }]) => ({
      name,
      record: await reader().record(orthancId),
    })),
  );
  return records.flatMap(({ name, record }) => (record?.network.sha256.startsWith(sha) ? [name] : []));
}

const settled = async ({ url }: TestService) => {
  const { queue } = (await (await fetch(`${url}/health/ready`)).json()) as { queue: Record<string, number> };
  return Object.values(queue).every((jobs) => jobs === 0);
};
const names = Object.keys(radiographs);

async function sweep(of: TestService) {
  await callApi(of, 'POST', '/sweep', { body: {} });
  return waitFor(async () => {
    const { json } = await callApi(of, 'GET', '/sweep');
    return json.state === 'idle' && json;
  });
}

let wanted: Stored;
let unwanted: Stored;
beforeAll(async () => {
  wanted = await store(radiographs, 'wanted');
  unwanted = await store(others, 'unwanted');
});

test('the change log gives each radiograph', async () => {
  const started = await service('b', { fromStart: true });
  await waitFor(async () => (await decidedBy('b', wanted)).length === names.length);
  await waitFor(() => settled(started));
  expect(await decidedBy('b', unwanted)).toEqual([]);
  const metrics = await started.metrics();
  for (const line of ['CT"} 1', 'MG"} 3', 'none"} 1'])
    expect(metrics).toContain(`plainview_left_alone_total{modality="${line}`);
  expect(
    started.log().match(/CT[^\n]*left alone for its Modality|left alone for its Modality[^\n]*CT/g),
  ).toHaveLength(1);
});

test('a sweep takes each radiograph, and tells what else there is', async () => {
  const started = await service('a');
  const swept = await sweep(started);
  expect(await decidedBy('a', wanted)).toEqual(names);
  expect(await decidedBy('a', unwanted)).toEqual([]);
  expect(swept).toMatchObject({ leftAlone: { CT: 1, MG: 3 } });
  expect((await sweep(started)).found).toBe(0);
});

test('the hook reports each radiograph', async () => {
  const started = await service('c', { hook, env: { PLAINVIEW_CHANGES_POLL_MS: '3600000' } });
  await waitFor(async () => {
    await real.storeInstance(image({ patientId: 'probe' }));
    return /notices_total\{outcome="accepted"\} [1-9]/.test(await started.metrics());
  });
  const [notified, not] = [await store(radiographs, 'notified'), await store(others, 'not notified')];
  await waitFor(async () => (await decidedBy('c', notified)).length === names.length);
  await waitFor(() => settled(started));
  expect(await decidedBy('c', not)).toEqual([]);
});

test('a job for all of them, and a request on a study, reclassify each radiograph', async () => {
  const started = await service('d');
  await callApi(started, 'POST', '/requests', { body: { selection: { query: { PatientID: 'wanted' } } } });
  await waitFor(async () => (await decidedBy('d', wanted)).length === names.length);
  const study = wanted['in a series that begins with a report']?.study;
  await started.stop();
  running.splice(0);
  await service('e');
  await reader().put(`studies/${study}`, 'RadiographReclassify', '{}');
  await waitFor(async () => (await decidedBy('e', wanted)).length === 1);
});

test('find lists each radiograph, and hanging arranges it', async () => {
  const config = loadConfig({ PLAINVIEW_ORTHANC_URL: real.orthanc.url });
  const orthanc = new Orthanc(config);
  try {
    const found: string[] = [];
    for await (const page of find(orthanc, { query: { PatientID: 'wanted' } }, modalities))
      found.push(...page.map(({ instance: id }) => id));
    expect(found.sort()).toEqual(
      Object.values(wanted)
        .map(({ orthancId }) => orthancId)
        .sort(),
    );
    const hanger = createHanger(orthanc, config, Categories.read(), ['knee_ap']);
    for (const name of names) {
      const { pictures } = await hanger.hang(uid(`wanted study ${name}`), { withPriors: false });
      expect(pictures.map(({ orthancId }) => orthancId)).toEqual([wanted[name]?.orthancId]);
    }
    for (const name of Object.keys(others))
      expect((await hanger.hang(uid(`unwanted study ${name}`), { withPriors: false })).pictures).toEqual([]);
  } finally {
    orthanc.close();
  }
});
