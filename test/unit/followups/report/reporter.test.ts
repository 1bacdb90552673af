import { describe, expect, test } from 'vitest';
import { reportSeriesUid, reportSopClass } from '../../../../src/followups/report/document.js';
import { Reporter, type ReportLevel } from '../../../../src/followups/report/reporter.js';
import { image, instance, uid } from '../../../../testkit/dicom.js';
import { byPerson, categories, decidedAs, type Line, useFakeSite } from '../../../../testkit/fake-site.js';
import { decide } from '../tags/support.js';

const site = useFakeSite();
const studyInstanceUid = uid('reported study');

function reporterOn(level: ReportLevel) {
  const process = site.process();
  const reporter = new Reporter(process.orthanc, level, process.locks, categories);
  const content = ({ instance: id }: Line) => process.orthanc.hierarchy.instance(id);
  return { ...process, reporter, content, isDue: async (line: Line) => reporter.isDue(await content(line)) };
}

async function decided(category: string): Promise<Line> {
  const line = site.store(image({ studyInstanceUid }));
  await decide(site, line, decidedAs(category));
  return line;
}
const later = (category: string) => decidedAs(category, { when: '2024-03-01T00:00:00.000Z' });
const failedLater = () => {
  const { category: _, ...rest } = later('knee_ap');
  return { ...rest, decision: 'failed' as const, failure: { code: 'internal', message: 'ill' } };
};

async function get<T>(path: string): Promise<T> {
  return (await (await fetch(`${site.fake.url}/${path}`)).json()) as T;
}

/** The reports in the study, as text. */
async function reports({ study }: Line): Promise<string[]> {
  const all = await get<{ ID: string }[]>(`studies/${study}/instances`);
  const sr = all.filter(({ ID }) => site.fake.metadata(ID).SopClassUid === reportSopClass);
  return Promise.all(sr.map(async ({ ID }) => JSON.stringify(await get(`instances/${ID}/simplified-tags`))));
}
const resultOf = (id: string): Record<string, unknown> | undefined => {
  const text = site.fake.metadata(id).RadiographResult;
  return text === undefined ? undefined : JSON.parse(text);
};
const idOf = (line: Line, level: ReportLevel) => (level === 'study' ? line.study : line.instance);

describe('a report for each instance', () => {
  test('says what was decided of it, and is made once', async () => {
    const [knee, hand] = [await decided('knee_ap'), await decided('hand_ap')];
    const { reporter, isDue } = reporterOn('instance');
    expect(await isDue(knee)).toBe(true);
    await reporter.run(knee.instance);
    // The other one is due too, so that a crash leaves none behind.
    expect(await isDue(hand)).toBe(false);
    const texts = await reports(knee);
    expect(texts).toHaveLength(2);
    expect(texts.filter((text) => text.includes('knee_ap') && !text.includes('hand_ap'))).toHaveLength(1);
    expect(resultOf(knee.instance)).toMatchObject({ version: 1, of: decidedAs('').when });
    site.fake.calls.length = 0;
    await reporter.run(hand.instance);
    expect(await reports(knee)).toEqual(texts);
  });

  test('is not made of what is decided only in part, nor of a failure', async () => {
    const line = site.store(image({ studyInstanceUid }));
    const { reporter, isDue } = reporterOn('instance');
    expect(await isDue(line)).toBe(false);
    await site.dying(6, () => decide(site, line, decidedAs('knee_ap')));
    expect(await isDue(line)).toBe(false);
    await decide(site, line, failedLater());
    expect(await isDue(line)).toBe(false);
    await reporter.run(line.instance);
    expect(await reports(line)).toEqual([]);
  });

  test('names the person who decided, and no network then', async () => {
    const line = await decided('knee_ap');
    const { reporter, recorder } = reporterOn('instance');
    await recorder.replace(line.instance, byPerson);
    await reporter.run(line.instance);
    const [text] = await reports(line);
    expect(text).toContain('alice^');
    expect(text).toContain('Hand');
    expect(text).not.toContain('a'.repeat(64));
  });

  test('that cannot be made is given up until the next decision', async () => {
    const line = await decided('knee_ap');
    const { reporter, content, isDue } = reporterOn('instance');
    site.fake.intercept = ({ path }) => (path === '/instances' ? { status: 400 } : undefined);
    await expect(reporter.run(line.instance)).rejects.toMatchObject({ code: 'orthanc_rejected' });
    expect(await isDue(line)).toBe(true);
    const failure = { code: 'orthanc_rejected', message: 'Orthanc rejected it' };
    await reporter.recordFailure(await content(line), failure);
    expect(resultOf(line.instance)).toMatchObject({ failure });
    expect(await isDue(line)).toBe(false);
    site.fake.intercept = () => undefined;
    await decide(site, line, later('knee_ap'));
    expect(await isDue(line)).toBe(true);
    await reporter.run(line.instance);
    expect(await reports(line)).toHaveLength(1);
    expect(resultOf(line.instance)).not.toHaveProperty('failure');
  });
});

describe('an Orthanc that changes what it receives', () => {
  const changed = (file: Buffer, text: string, other: string) =>
    Buffer.from(file.toString('latin1').replaceAll(text, other), 'latin1');

  test.each([
    ['the name of the patient', 'TEST^PLAINVIEW', 'TEST^PLAINVIEX', 'PatientName'],
    ['the patient', 'PLAINVIEW-TEST', 'PLAINVIEX-TEST', 'PatientID'],
    ['the character set', 'ISO_IR 100', 'ISO_IR 192', 'SpecificCharacterSet'],
  ])('keeps no report where that is %s', async (_, text, other, keyword) => {
    const line = await decided('knee_ap');
    const { reporter } = reporterOn('instance');
    site.fake.intercept = ({ method, path, body }) =>
      method === 'POST' && path === '/instances'
        ? {
            status: 200,
            headers: { 'content-type': 'application/json' },
            body: Buffer.from(JSON.stringify(site.fake.store(changed(body, text, other)))),
          }
        : undefined;
    await expect(reporter.run(line.instance)).rejects.toMatchObject({
      code: 'report_not_kept',
      transient: false,
      message: expect.stringContaining(keyword),
    });
    expect(await reports(line)).toEqual([]);
    const all = await get<unknown[]>('instances');
    expect(all).toHaveLength(1);
  });

  test('or does not store it, is told so', async () => {
    const line = await decided('knee_ap');
    const { reporter } = reporterOn('study');
    const answer = { ID: line.instance, ParentStudy: line.study, Status: 'FilteredOut' };
    site.fake.intercept = ({ method, path }) =>
      method === 'POST' && path === '/instances'
        ? {
            status: 200,
            headers: { 'content-type': 'application/json' },
            body: Buffer.from(JSON.stringify(answer)),
          }
        : undefined;
    await expect(reporter.run(line.instance)).rejects.toThrow('FilteredOut');
    expect(site.fake.metadata(line.instance).SopClassUid).toBeDefined();
  });
});

describe('a report for each study', () => {
  test('is one about all instances, of several series', async () => {
    const [knee, hand] = [await decided('knee_ap'), await decided('hand_ap')];
    const { reporter, isDue } = reporterOn('study');
    await reporter.run(knee.instance);
    const [text, ...more] = await reports(knee);
    expect(more).toEqual([]);
    for (const category of ['knee_ap', 'hand_ap']) expect(text).toContain(category);
    expect(await isDue(hand)).toBe(false);
    const [report] = await get<{ MainDicomTags: Record<string, string> }[]>(
      `studies/${knee.study}/series`,
    ).then((series) => series.filter(({ MainDicomTags }) => MainDicomTags.Modality === 'SR'));
    expect(report?.MainDicomTags.SeriesInstanceUID).toBe(reportSeriesUid(studyInstanceUid));
  });

  test('says the same at once where two instances end together', async () => {
    const [knee, hand] = [await decided('knee_ap'), await decided('hand_ap')];
    const { reporter } = reporterOn('study');
    await Promise.all([knee, hand, knee].map(({ instance: id }) => reporter.run(id)));
    expect(await reports(knee)).toHaveLength(1);
  });
});

describe.each(['instance', 'study'] as const)('a report for each %s', (level) => {
  test('is replaced where another decision is made, and taken back where none stands', async () => {
    const line = await decided('knee_ap');
    const { reporter } = reporterOn(level);
    await reporter.run(line.instance);
    await decide(site, line, later('hand_ap'));
    await reporter.run(line.instance);
    const [text, ...more] = await reports(line);
    expect(more).toEqual([]);
    expect(text).toContain('hand_ap');
    await decide(site, line, { ...failedLater(), when: '2024-04-01T00:00:00.000Z' });
    const { isDue } = reporterOn(level);
    expect(await isDue(line)).toBe(true);
    await reporter.run(line.instance);
    expect(await reports(line)).toEqual([]);
    expect(await isDue(line)).toBe(false);
    await decide(site, line, decidedAs('knee_ap', { when: '2024-05-01T00:00:00.000Z' }));
    await reporter.run(line.instance);
    expect(await reports(line)).toHaveLength(1);
  });

  test('leaves none behind, wherever it is cut off', async () => {
    const line = await decided('knee_ap');
    await reporterOn(level).reporter.run(line.instance);
    let isCutOff = true;
    let writes = 0;
    for (; isCutOff; writes++) {
      const category = writes % 2 === 0 ? 'hand_ap' : 'knee_ap';
      const when = new Date(Date.UTC(2024, 5, 1 + writes)).toISOString();
      await decide(site, line, decidedAs(category, { when }));
      isCutOff = await site.dying(writes, () => reporterOn(level).reporter.run(line.instance));
      const { reporter, isDue } = reporterOn(level);
      if (isCutOff) expect(await isDue(line)).toBe(true);
      await reporter.run(line.instance);
      const [text, ...more] = await reports(line);
      expect(more).toEqual([]);
      expect(text).toContain(category);
      expect(await isDue(line)).toBe(false);
    }
    expect(writes).toBeGreaterThan(4);
  });

  test('that somebody deleted is made again with the next decision', async () => {
    const line = await decided('knee_ap');
    const { reporter, orthanc } = reporterOn(level);
    await reporter.run(line.instance);
    const [found] = await orthanc.search.lookup(String(resultOf(idOf(line, level))?.report));
    await site.remove(`instances/${found?.id}`);
    await decide(site, line, later('knee_ap'));
    await reporter.run(line.instance);
    expect(await reports(line)).toHaveLength(1);
  });

  test.each([
    ['a radiograph', image({ studyInstanceUid, sopInstanceUid: uid('foreign') })],
    [
      "somebody else's report",
      instance({ studyInstanceUid, sopInstanceUid: uid('foreign'), sopClassUid: reportSopClass }),
    ],
    [
      'another class in our series',
      image({
        studyInstanceUid,
        sopInstanceUid: uid('foreign'),
        seriesInstanceUid: reportSeriesUid(studyInstanceUid),
      }),
    ],
  ])('never deletes what somebody names as stale that is not ours: %s', async (_, file) => {
    const line = await decided('knee_ap');
    const { instance: foreign } = site.store(file);
    const stale = { version: 1, report: uid('never stored'), stale: [uid('foreign')] };
    await site.put(
      `${level === 'study' ? 'studies' : 'instances'}/${idOf(line, level)}/metadata/RadiographResult`,
      JSON.stringify(stale),
    );
    await reporterOn(level).reporter.run(line.instance);
    expect(resultOf(idOf(line, level))).not.toHaveProperty('stale');
    expect(site.fake.metadata(foreign).SopClassUid).toBeDefined();
  });
});

test('of an instance that is gone is none', async () => {
  const line = await decided('knee_ap');
  const { reporter } = reporterOn('study');
  await site.remove(`instances/${line.instance}`);
  await expect(reporter.run(line.instance)).rejects.toMatchObject({ code: 'instance_gone' });
});
