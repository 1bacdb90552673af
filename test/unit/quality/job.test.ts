import { afterEach, expect, test } from 'vitest';
import { Categories } from '../../../src/anatomy/categories.js';
import { confirmed } from '../../../src/decisions/correction.js';
import { metadataNames } from '../../../src/decisions/schema.js';
import type { InstanceId } from '../../../src/orthanc/ids.js';
import { QualityReports } from '../../../src/quality/job.js';
import { FolderStore } from '../../../src/store/folder-store.js';
import { type ImageOptions, image } from '../../../testkit/dicom.js';
import { decidedAs, silent, useFakeSite } from '../../../testkit/fake-site.js';
import { waitFor } from '../../../testkit/wait-for.js';

const site = useFakeSite();
const running: QualityReports[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
});

const wanted = { networkScore: 0.9 };

async function open() {
  const { orthanc, config } = site.process();
  const reports = await QualityReports.open({
    orthanc,
    categories: Categories.read(),
    config,
    store: new FolderStore(site.stateDir),
    log: silent,
  });
  running.push(reports);
  return reports;
}

/** Waits for the end. */
async function made(reports: QualityReports, range: { from?: string; to?: string } = {}) {
  expect(reports.begin({ ...wanted, ...range })).toBe(true);
  await waitFor(async () => reports.answer.state === 'idle');
  const { report, failure } = reports.answer;
  if (report === undefined) throw new Error(failure?.message);
  return report;
}

const attributes = (bodyPart: string, view?: string): NonNullable<ImageOptions['attributes']> => ({
  '0008,0020': ['DA', '20260310'],
  '0008,1010': ['SH', 'ROOM1'],
  '0008,1040': ['LO', 'Emergency'],
  '0018,0015': ['CS', bodyPart],
  ...(view === undefined ? {} : { '0018,5101': ['CS', view] as const }),
});

async function decide(file: Buffer, category = 'knee_ap'): Promise<InstanceId> {
  const { recorder, orthanc } = site.process();
  const { instance } = site.store(file);
  const described = await orthanc.hierarchy.describe(instance);
  await recorder.record(described, await orthanc.hierarchy.instance(instance), decidedAs(category));
  return instance;
}

/** Calls of Orthanc for which it reads files. */
const filesRead = () =>
  site.fake.calls.filter(({ path }) => /simplified-tags|\/file|\/attachments/.test(path)).length;

test('a report on what is recorded reads no file, and finds what was declared before Plainview wrote', async () => {
  const wrong = await decide(image({ attributes: attributes('FOOT', 'AP') }));
  const tagged = await decide(image({ attributes: attributes('KNEE') }));
  const { recorder, orthanc } = site.process();
  // What PLAINVIEW_TAGS leaves behind: the file says KNEE and AP, and the record of it that there was nothing.
  const written = { BodyPartExamined: { was: 'HAND', now: 'KNEE' }, ViewPosition: { now: 'AP' } };
  await site.put(
    `instances/${tagged}/metadata/${metadataNames.tags}`,
    JSON.stringify({ version: 1, of: '', written }),
  );
  await recorder.replace(tagged, (current) =>
    confirmed(current, { who: 'alice', when: '2026-03-11T00:00:00Z' }),
  );
  expect(site.record(wrong)?.declared).toMatchObject({
    bodyPart: 'FOOT',
    view: 'AP',
    station: 'ROOM1',
    department: 'Emergency',
  });
  expect(site.record(tagged)?.declared).toMatchObject({ bodyPart: 'HAND' });
  expect(site.record(tagged)?.declared?.view).toBeUndefined();
  expect((await orthanc.hierarchy.instance(tagged)).Labels).toContain('knee_ap');
  const requestedTags = new Set<string>();
  site.fake.intercept = ({ path, body }) => {
    if (path === '/tools/find')
      for (const tag of (JSON.parse(String(body)) as { RequestedTags?: string[] }).RequestedTags ?? [])
        requestedTags.add(tag);
    return undefined;
  };
  site.fake.calls.length = 0;
  const { all, by } = await made(await open());
  expect([filesRead(), [...requestedTags]]).toEqual([0, ['StudyDate']]);
  expect(all.figures).toMatchObject({
    wrongBodyPartByNetwork: { count: 1, of: 1, examples: [wrong] },
    wrongBodyPartByPerson: { count: 1, of: 1, examples: [tagged] },
    withoutView: { count: 1, of: 2, examples: [tagged] },
  });
  expect(by.department).toMatchObject([{ value: 'Emergency', radiographs: 2 }]);
  expect(by.month).toMatchObject([{ value: '2026-03', radiographs: 2 }]);
});

test('what an older version recorded, and what is undecided, is read from the files', async () => {
  const old = await decide(image({ attributes: attributes('FOOT', 'LL') }));
  const { declared: _, ...record } = site.record(old) ?? {};
  await site.put(`instances/${old}/metadata/${metadataNames.record}`, JSON.stringify(record));
  const { instance: undecided } = site.store(image());
  site.store(image({ modality: 'CT' }));
  const { all } = await made(await open());
  expect(all).toMatchObject({
    radiographs: 2,
    figures: {
      withoutBodyPart: { count: 1, of: 2, examples: [undecided] },
      wrongBodyPartByNetwork: { count: 1, of: 1 },
      wrongViewByNetwork: { count: 1, of: 1 },
      undecided: { count: 1, of: 2, examples: [undecided] },
    },
  });
});

test('a range of Study Dates leaves out the others', async () => {
  await decide(image({ attributes: attributes('KNEE', 'AP') }));
  site.store(image({ attributes: { '0008,0020': ['DA', '20250101'] } }));
  const reports = await open();
  const report = await made(reports, { from: '2026-01-01', to: '2026-12-31' });
  expect(report).toMatchObject({ from: '2026-01-01', to: '2026-12-31', all: { radiographs: 1 } });
  expect((await made(reports)).all.radiographs).toBe(2);
});

test('one report is made at a time, with progress; it outlasts a restart', async () => {
  await decide(image({ attributes: attributes('KNEE', 'AP') }));
  const reports = await open();
  expect(reports.answer).toEqual({ state: 'idle' });
  const held = site.fake.hold(({ path }) => path === '/tools/find');
  expect(reports.begin(wanted)).toBe(true);
  expect(reports.begin({ networkScore: 0.5 })).toBe(false);
  await held.reached;
  expect(reports.answer).toMatchObject({ state: 'running', progress: { done: 0, total: 1 } });
  held.release();
  await waitFor(async () => reports.answer.state === 'idle');
  expect(reports.answer.report).toMatchObject({ networkScore: 0.9, all: { radiographs: 1 } });
  expect((await open()).answer).toEqual(reports.answer);
});

test('a stop in the middle keeps the report before it, and no part of the new one', async () => {
  await decide(image({ attributes: attributes('KNEE', 'AP') }));
  const reports = await open();
  await made(reports);
  site.store(image());
  const held = site.fake.hold(({ path }) => path === '/tools/find');
  reports.begin(wanted);
  await held.reached;
  const stopped = reports.stop();
  held.release();
  await stopped;
  expect((await open()).answer.report?.all.radiographs).toBe(1);
});

test('a file that Orthanc cannot read is told, and the others are counted', async () => {
  const { instance } = site.store(image());
  site.store(image({ attributes: attributes('KNEE') }));
  const { orthanc } = site.process();
  const lost = (await orthanc.hierarchy.instance(instance)).MainDicomTags['0008,0018'];
  site.fake.intercept = ({ path, body }) =>
    path === '/tools/find' && String(body).includes('ViewPosition') && String(body).includes(lost)
      ? { status: 500, headers: {}, body: Buffer.from('{}') }
      : undefined;
  const report = await made(await open());
  expect(report).toMatchObject({
    unread: 1,
    all: { radiographs: 2, figures: { withoutView: { count: 1, of: 1 }, undecided: { count: 2, of: 2 } } },
  });
});
