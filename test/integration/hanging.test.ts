import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Categories } from '../../src/anatomy/categories.js';
import { loadConfig } from '../../src/config/load.js';
import { createHanger } from '../../src/hanging/hanger.js';
import { Orthanc } from '../../src/orthanc/orthanc.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { type ImageOptions, image, sopClasses, uid } from '../../testkit/dicom.js';
import { startFaultyProxy } from '../../testkit/faulty-proxy.js';
import { type StoredInstance, useOrthanc } from '../../testkit/orthanc.js';
import { hookAddress, Reader, startTestService, type TestService } from '../../testkit/service.js';
import { fetchSigned } from '../../testkit/signed.js';

/** The category that the network gives a picture of that brightness. */
const kinds = [
  { category: 'chest_pa_ap', score: 0.98 },
  { category: 'chest_lateral', score: 0.97 },
  { category: 'knee_ap', score: 0.99 },
  { category: 'knee_lateral', score: 0.99 },
  { category: 'chest_pa_ap', score: 0.5 },
  { category: 'chest_pa_ap', score: 0.92 },
] as const;
const [frontal, lateral, kneeAp, kneeLateral, unsure, worse] = kinds.keys();
const dx = sopClasses.DX;

const hook = await hookAddress();
const real = useOrthanc({ hook });
let service: TestService;

beforeAll(async () => {
  const classifier = stubClassifier();
  classifier.answer = async (picture) =>
    // Orthanc renders 8-bit values one level darker.
    kinds[Math.round((picture.at(-1) ?? 0) / 10)] ?? { category: 'other', score: 0.99 };
  const env = { PLAINVIEW_LABEL_PREFIX: 'rx-' };
  service = await startTestService({ orthanc: real.orthanc.url, hook, classifier, env });
});
afterAll(() => service.stop());

async function store(kind: number | undefined, options: ImageOptions): Promise<StoredInstance> {
  const pixels = new Uint8Array(64 * 64).fill((kind ?? 9) * 10);
  // A picture of one value would fail.
  pixels.fill(255, 0, 512);
  const stored = await real.storeInstance(image({ ...options, bitsStored: 8, pixels }));
  await new Reader(real.orthanc.url).decided(stored.orthancId);
  return stored;
}

interface Answer {
  protocol?: { id: string; rows: number; columns: number };
  cells: { sopInstanceUid: string; prior: boolean; place: string }[];
  priorStudyInstanceUid?: string;
  instances: { sopInstanceUid: string; state: string; sure: boolean; laterality?: string }[];
}
const request = (study: string, query = '') =>
  fetchSigned(service.secret, `${service.url}/api/v1/studies/${study}/hanging${query}`);
const hanging = async (study: string, query = '') => (await (await request(study, query)).json()) as Answer;
const shown = ({ cells }: Answer) => cells.map(({ sopInstanceUid }) => sopInstanceUid);

/** One study. The names of its pictures are the seeds of their SOP Instance UIDs. */
function study(name: string, date: string, patientId: string) {
  const studyInstanceUid = uid(`hanging ${name}`);
  const at = (kind: number | undefined, picture: string, attributes: ImageOptions['attributes'] = {}) =>
    store(kind, {
      studyInstanceUid,
      seriesInstanceUid: uid(`hanging ${name} ${picture}`),
      sopInstanceUid: uid(`${name} ${picture}`),
      patientId,
      attributes: { '0008,0020': ['DA', date], ...attributes },
    });
  return { studyInstanceUid, at, sop: (picture: string) => uid(`${name} ${picture}`) };
}

test('a chest hangs with the frontal view left and the lateral right, whatever its tags are, with codes', async () => {
  const chest = study('chest', '20240301', 'hang-chest');
  const wrong = { '0018,0015': ['CS', 'KNEE'], '0018,5101': ['CS', 'LL'] } as const;
  await chest.at(lateral, 'lateral', wrong);
  await chest.at(frontal, 'frontal', wrong);
  const answer = await hanging(chest.studyInstanceUid);
  expect(answer.protocol).toEqual({ id: 'chest', title: 'Chest', rows: 1, columns: 2 });
  expect(shown(answer)).toEqual([chest.sop('frontal'), chest.sop('lateral')]);
  expect(
    answer.instances.find(({ sopInstanceUid }) => sopInstanceUid === chest.sop('frontal')),
  ).toMatchObject({
    state: 'category',
    category: 'chest_pa_ap',
    region: { value: '816094009', scheme: 'SCT' },
    view: { value: '399033003', meaning: 'frontal' },
    score: expect.closeTo(0.98),
    who: 'network',
    sure: true,
  });
});

test('pictures without a category are listed, and not hung', async () => {
  const mixed = study('mixed', '20240301', 'hang-mixed');
  await mixed.at(frontal, 'frontal');
  await mixed.at(unsure, 'unsure');
  await mixed.at(undefined, 'unknown');
  const answer = await hanging(mixed.studyInstanceUid);
  expect(answer.protocol).toBeUndefined();
  expect(answer.cells).toEqual([]);
  expect(answer.instances.map(({ state, sure }) => `${state} ${sure}`).sort()).toEqual([
    'category true',
    'needs_review false',
    'unknown_view false',
  ]);
});

test('knees hang by the side in the DICOM attributes of image or series', async () => {
  const knees = study('knees', '20240301', 'hang-knees');
  await knees.at(kneeAp, 'left ap', { '0020,0062': ['CS', 'L'] });
  await knees.at(kneeAp, 'right ap', { '0020,0060': ['CS', 'R'] });
  await knees.at(kneeLateral, 'left lateral', { '0020,0062': ['CS', 'L'], '0020,0060': ['CS', 'R'] });
  await knees.at(kneeLateral, 'right lateral', { '0020,0062': ['CS', 'R'] });
  const answer = await hanging(knees.studyInstanceUid);
  expect(answer.protocol).toMatchObject({ id: 'knee-both', rows: 2, columns: 2 });
  expect(shown(answer)).toEqual(
    ['right ap', 'left ap', 'right lateral', 'left lateral'].map((picture) => knees.sop(picture)),
  );
});

test('the side of an enhanced image is read from its frames', async () => {
  const StudyInstanceUID = uid('hanging frames');
  const Tags = {
    StudyInstanceUID,
    PatientID: 'hang-frames',
    Modality: 'DX',
    SharedFunctionalGroupsSequence: [{ FrameAnatomySequence: [{ FrameLaterality: 'L' }] }],
  };
  const body = JSON.stringify({ Tags, Force: true });
  await fetch(`${real.orthanc.url}/tools/create-dicom`, { method: 'POST', body });
  expect((await hanging(StudyInstanceUID)).instances).toMatchObject([
    { laterality: 'L', state: 'undecided' },
  ]);
});

test('the prior is the most recent of the same patient, category and side, found by label', async () => {
  const patient = 'hang-prior';
  const right = { '0020,0062': ['CS', 'R'] } as const;
  for (const [name, date, attributes] of [
    ['older', '20220101', right],
    ['recent', '20230101', right],
    ['other side', '20230601', { '0020,0062': ['CS', 'L'] }],
    ['later', '20250101', right],
  ] as const)
    await study(name, date, patient).at(kneeAp, 'knee', attributes);
  await study('somebody', '20230701', 'hang-somebody').at(kneeAp, 'knee', right);
  const now = study('now', '20240101', patient);
  await now.at(kneeAp, 'knee', right);
  const answer = await hanging(now.studyInstanceUid);
  expect(answer.protocol?.id).toBe('knee_ap-prior');
  expect(answer.priorStudyInstanceUid).toBe(uid('hanging recent'));
  expect(shown(answer)).toEqual([now.sop('knee'), uid('recent knee')]);
  expect((await hanging(now.studyInstanceUid, '?priors=false')).protocol).toBeUndefined();
});

test('of two studies of one day, only the one with the earlier time is a prior', async () => {
  const at = (time: string) => ({ '0008,0030': ['TM', time] }) as const;
  const now = study('evening', '20240601', 'hang-day');
  await study('untimed', '20240601', 'hang-day').at(frontal, 'chest', at(''));
  await study('night', '20240601', 'hang-day').at(frontal, 'chest', at('230000'));
  await now.at(frontal, 'chest', at('190000'));
  expect((await hanging(now.studyInstanceUid)).priorStudyInstanceUid).toBeUndefined();
  await study('morning', '20240601', 'hang-day').at(frontal, 'chest', at('080000.5'));
  expect((await hanging(now.studyInstanceUid)).priorStudyInstanceUid).toBe(uid('hanging morning'));
});

test('studies without a patient are never priors', async () => {
  await study('nameless before', '20230101', '').at(frontal, 'chest');
  const nameless = study('nameless', '20240101', '');
  await nameless.at(frontal, 'chest');
  expect((await hanging(nameless.studyInstanceUid)).protocol).toBeUndefined();
});

test('a label by another program does not make a study a prior, nor does a label without the prefix', async () => {
  const labelled = study('labelled', '20230101', 'hang-label');
  const { study: id } = await labelled.at(lateral, 'chest');
  await new Reader(real.orthanc.url).label(`studies/${id}`, 'rx-chest_pa_ap');
  const now = study('label now', '20240101', 'hang-label');
  await now.at(frontal, 'chest');
  expect((await hanging(now.studyInstanceUid)).protocol).toBeUndefined();
});

test('an answer with a prior takes eight calls of Orthanc', async () => {
  const chest = study('fast', '20240401', 'hang-fast');
  await study('fast before', '20230401', 'hang-fast').at(frontal, 'frontal');
  await chest.at(lateral, 'lateral');
  await chest.at(frontal, 'frontal');
  const proxy = await startFaultyProxy(real.orthanc.url);
  const orthanc = new Orthanc(loadConfig({ PLAINVIEW_ORTHANC_URL: proxy.url }));
  const config = { modalities: ['DX'], labelPrefix: 'rx-', hangingFile: undefined };
  const hanger = createHanger(orthanc, config, Categories.read(), []);
  // The first call may find out that the database cannot sort.
  await hanger.hang(chest.studyInstanceUid, { withPriors: true });
  proxy.calls.splice(0);
  const { hung } = await hanger.hang(chest.studyInstanceUid, { withPriors: true });
  orthanc.close();
  await proxy.stop();
  expect(hung?.protocol.id).toBe('chest-prior-frontal');
  expect(proxy.calls.map(({ url }) => url).sort()).toEqual([
    ...Array(2).fill('/tools/bulk-content'),
    ...Array(6).fill('/tools/find'),
  ]);
});

test.each([
  ['nothing', '1.2.3', 404, 'study_unknown'],
  ['no UID', 'knee*', 400, 'request_malformed'],
  ['a query that is not known', '1.2.3', 400, 'request_malformed', '?prior=1'],
])('%s is a clear problem', async (_what, id, status, code, query = '') => {
  const answer = await request(id, query);
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ code });
});

describe.each([
  ['the raw one first', ['raw', 'shown']],
  ['the raw one last', ['shown', 'raw']],
] as const)('one exposure stored raw and for presentation, %s', (order, names) => {
  const links = {
    'an irradiation event': {
      raw: { '0008,3010': ['UI', '2.25.9'] },
      shown: { '0008,3010': ['UI', '2.25.9'] },
    },
    'a source image': {
      raw: {},
      shown: {
        '0008,2112': [
          'SQ',
          [
            [
              { tag: '0008,1150', vr: 'UI', value: `${dx}.1` },
              { tag: '0008,1155', vr: 'UI', value: uid(`link a source image ${order} raw`) },
            ],
          ],
        ],
      },
    },
    'a time': {
      raw: { '0008,0022': ['DA', '20240301'], '0008,0032': ['TM', '101500.25'] },
      shown: { '0008,0022': ['DA', '20240301'], '0008,0032': ['TM', '101500.25'] },
    },
    nothing: { raw: {}, shown: {} },
  } as const satisfies Record<string, Record<'raw' | 'shown', NonNullable<ImageOptions['attributes']>>>;

  test.each(Object.entries(links))('hangs as the one for presentation, linked by %s', async (link, of) => {
    const chest = study(`link ${link} ${order}`, '20240301', `hang-link-${order}-${link}`);
    const named = (picture: string) => uid(`link ${link} ${order} ${picture}`);
    const intents = {
      raw: { '0008,0068': ['CS', 'FOR PROCESSING'], '0008,0008': ['CS', 'ORIGINAL\\PRIMARY'] },
      shown: { '0008,0068': ['CS', 'FOR PRESENTATION'], '0008,0008': ['CS', 'DERIVED\\PRIMARY'] },
    } as const;
    const kindOf = { raw: frontal, shown: worse } as const;
    await chest.at(lateral, 'lateral');
    for (const name of names) await chest.at(kindOf[name], name, { ...intents[name], ...of[name] });
    const answer = await hanging(chest.studyInstanceUid);
    expect(answer.protocol?.id).toBe('chest');
    expect(shown(answer)).toEqual([named('shown'), named('lateral')]);
    const raw = answer.instances.find(({ sopInstanceUid }) => sopInstanceUid === named('raw'));
    expect(raw).toMatchObject(link === 'nothing' ? { sure: true } : { sure: false, instead: named('shown') });
  });
});
