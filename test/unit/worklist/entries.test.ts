import { describe, expect, test } from 'vitest';
import { instanceId, studyId } from '../../../src/orthanc/ids.js';
import { Entries } from '../../../src/worklist/entries.js';
import { Worklist, worklistQuery } from '../../../src/worklist/worklist.js';
import { image, uid } from '../../../testkit/dicom.js';
import { names, useFakeSite } from '../../../testkit/fake-site.js';
import { decide, storeDecided, unsure } from './support.js';

const site = useFakeSite();
const entries = () => new Entries(site.process().orthanc, names);
const nowhere = `00000000${'-00000000'.repeat(4)}`;

/** One picture with all that an entry can tell. */
const knee = {
  rows: 40,
  columns: 30,
  patientName: 'TELLING^NAME',
  patientId: 'TELLING-ID',
  studyInstanceUid: uid('study'),
  seriesInstanceUid: uid('series'),
  sopInstanceUid: uid('instance'),
  window: { center: 2000, width: 4000 },
  attributes: {
    '0008,0020': ['DA', '20240105'],
    '0008,0030': ['TM', '101500'],
    '0008,0050': ['SH', 'TELLING-ACC'],
    '0008,1010': ['SH', 'ROOM1'],
    '0008,1030': ['LO', 'Knie'],
    '0008,103e': ['LO', 'ap'],
    '0018,0015': ['CS', 'KNEE'],
    '0018,1030': ['LO', 'Knie ap'],
    '0018,5101': ['CS', 'AP'],
    '0020,0062': ['CS', 'L'],
  },
} as const;

describe('an entry', () => {
  test('has the decision, what DICOM says of the picture, and nothing of the patient', async () => {
    const { instance, series, study } = await storeDecided(site, unsure('knee_ap', 0.8), knee);
    await site.put(`instances/${instance}/labels/by_hand`);
    const entry = await entries().one(instance);
    expect(entry).toEqual({
      instance,
      picture: expect.any(String),
      series,
      study,
      sopInstanceUid: uid('instance'),
      seriesInstanceUid: uid('series'),
      studyInstanceUid: uid('study'),
      frames: 1,
      rows: 40,
      columns: 30,
      voi: { center: 2000, width: 4000 },
      dicom: {
        modality: 'DX',
        bodyPartExamined: 'KNEE',
        seriesDescription: 'ap',
        protocolName: 'Knie ap',
        stationName: 'ROOM1',
        studyDescription: 'Knie',
        studyDate: '20240105',
        studyTime: '101500',
        viewPosition: 'AP',
        laterality: 'L',
      },
      labels: ['by_hand', 'needs_review'],
      open: ['needs_review'],
      proposed: [],
      decision: 'needs_review',
      top: [{ category: 'knee_ap', score: 0.8 }],
      who: 'network',
      reason: expect.any(String),
      network: { name: 'stub', sha256: expect.any(String) },
      engine: 'onnxruntime',
      when: expect.any(String),
    });
    expect(JSON.stringify(entry)).not.toContain('TELLING');
  });

  test('leaves out what the file does not say, or says wrongly', async () => {
    const { instance } = await storeDecided(site, unsure('knee_ap', 0.8), {
      attributes: {
        '0028,1050': ['DS', 'wide'],
        '0028,1051': ['DS', '10'],
        '0008,1010': ['SH', ''],
        '0028,0008': ['IS', '0'],
      },
    });
    const { voi, frames, dicom } = await entries().one(instance);
    expect({ voi, frames }).toEqual({ voi: undefined, frames: 1 });
    expect(Object.keys(dicom)).toEqual(['modality', 'studyDate', 'studyTime']);
  });

  test('has the first of several windows', async () => {
    const { instance } = await storeDecided(site, unsure('knee_ap', 0.8), {
      attributes: { '0028,1050': ['DS', '2000\\1000'], '0028,1051': ['DS', '4000\\100'] },
    });
    expect((await entries().one(instance)).voi).toEqual({ center: 2000, width: 4000 });
  });

  test('tells how many frames there are', async () => {
    const { instance } = await storeDecided(site, unsure('knee_ap', 0.8), { frames: 3 });
    expect(await entries().shown(instance)).toMatchObject({ frames: 3 });
    expect((await entries().one(instance)).frames).toBe(3);
  });

  test('is refused for what is undecided, damaged or gone', async () => {
    const { instance } = site.store(image());
    const code = (of: string) => ({ code: `instance_${of}` });
    await expect(entries().one(instance)).rejects.toMatchObject(code('undecided'));
    await expect(entries().shown(instance)).rejects.toMatchObject(code('undecided'));
    await site.put(`instances/${instance}/metadata/Radiograph`, '{"version": 1');
    await expect(entries().one(instance)).rejects.toMatchObject(code('undecided'));
    const gone = instanceId.parse(nowhere);
    await expect(entries().one(gone)).rejects.toMatchObject(code('gone'));
    await expect(entries().shown(gone)).rejects.toMatchObject(code('gone'));
  });
});

describe('entries', () => {
  test('come in the order of the identifiers; what is undecided or gone is left out', async () => {
    const [a, b, undecided, gone] = [
      await storeDecided(site, unsure('knee_ap', 0.8)),
      await storeDecided(site, unsure('hand_ap', 0.8)),
      site.store(image()),
      await storeDecided(site, unsure('elbow_ap', 0.8)),
    ];
    await site.remove(`instances/${gone.instance}`);
    const asked = [b, undecided, gone, a].map(({ instance }) => instance);
    const instancesOf = async (ids: typeof asked) =>
      (await entries().of(ids)).map(({ entry }) => entry.instance);
    expect(await instancesOf(asked)).toEqual([b.instance, a.instance]);
    expect(await instancesOf(asked.toReversed())).toEqual([a.instance, b.instance]);
    expect(await instancesOf([])).toEqual([]);
  });

  test('are searched by words that are not answered', async () => {
    const { instance } = await storeDecided(site, unsure('knee_ap', 0.8), knee);
    const [listed] = await entries().of([instance]);
    for (const word of ['telling-acc', 'room1', 'knie ap', 'knee', uid('study'), uid('instance')])
      expect(listed?.searchText).toContain(word);
    expect(listed?.searchText).not.toMatch(/telling-id|telling\^name/);
    expect(JSON.stringify(listed?.entry)).not.toContain('TELLING');
  });

  test('of a study are its decided instances', async () => {
    const inStudy = { patientId: 'one', studyInstanceUid: uid('a study') };
    const decided = [
      await storeDecided(site, unsure('knee_ap', 0.8), inStudy),
      await storeDecided(site, unsure('hand_ap', 0.8), inStudy),
    ];
    const undecided = site.store(image(inStudy));
    await storeDecided(site, unsure('elbow_ap', 0.8));
    const instances = async () =>
      new Set((await entries().ofStudy(undecided.study)).map(({ instance }) => instance));
    expect(await instances()).toEqual(new Set(decided.map(({ instance }) => instance)));
    await decide(site, undecided.instance, { decision: 'failed' });
    expect((await instances()).size).toBe(3);
    expect(await entries().ofStudy(studyId.parse(nowhere))).toEqual([]);
  });

  test('name the picture that stands for the exposure of another one, in lists too', async () => {
    const at = { study: uid('one'), event: uid('event'), isDerived: false };
    const inStudy = { patientId: 'one', studyInstanceUid: at.study };
    const raw = await storeDecided(
      site,
      { ...unsure('knee_ap', 0.8), exposure: { ...at, image: '1', isForProcessing: true } },
      inStudy,
    );
    const shown = await storeDecided(
      site,
      { ...unsure('knee_ap', 0.5), exposure: { ...at, image: '2', isForProcessing: false } },
      inStudy,
    );
    const other = await storeDecided(
      site,
      {
        ...unsure('knee_ap', 0.5),
        exposure: { ...at, event: uid('other'), image: '3', isForProcessing: true },
      },
      inStudy,
    );
    const instead = (list: readonly { instance: string; instead?: string | undefined }[]) =>
      new Map(list.map((each) => [each.instance, each.instead]));
    const expected = new Map([
      [raw.instance, shown.instance],
      [shown.instance, undefined],
      [other.instance, undefined],
    ]);
    expect(instead(await entries().ofStudy(raw.study))).toEqual(expected);
    const { orthanc } = site.process();
    const { items } = await new Worklist(orthanc, new Entries(orthanc, names), '').page(
      worklistQuery.parse({ state: 'needs_review' }),
    );
    expect(instead(items)).toEqual(expected);
    const one = await entries().one(raw.instance);
    expect(one.instead).toBe(shown.instance);
    expect(one).not.toHaveProperty('exposure');
  });

  test('of an Orthanc that cannot list them are refused, with what it needs', async () => {
    const { instance } = await storeDecided(site, unsure('knee_ap', 0.8));
    // As before 1.12.5: identifiers, whatever is to be in the answer.
    site.fake.intercept = ({ path, body }) => {
      if (path !== '/tools/find') return undefined;
      const isFirst = JSON.parse(body.toString()).Since === 0;
      return { status: 200, body: JSON.stringify(isFirst ? [instance] : []) };
    };
    await expect(entries().of([instance])).rejects.toMatchObject({ code: 'orthanc_too_old' });
  });
});
