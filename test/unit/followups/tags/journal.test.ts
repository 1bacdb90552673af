import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { undone } from '../../../../src/decisions/correction.js';
import { recordOf } from '../../../../src/decisions/read.js';
import { instanceId } from '../../../../src/orthanc/ids.js';
import { image, uid } from '../../../../testkit/dicom.js';
import { byPerson, decidedAs, type Line, useFakeSite } from '../../../../testkit/fake-site.js';
import { attributesOf, decide, taggerOn, tagsOf } from './support.js';

const site = useFakeSite({ overwriteInstances: true });
afterEach(() => {
  vi.useRealTimers();
});

const levelsOf = ({ instance, series, study, patient }: Line) => [
  `instances/${instance}`,
  `series/${series}`,
  `studies/${study}`,
  `patients/${patient}`,
];

/** A decided instance, the only one of its patient, with something of others on every level. */
async function withOthersThings(): Promise<Line> {
  const line = site.store(image());
  await decide(site, line, decidedAs('knee_ap'));
  await Promise.all(
    levelsOf(line).flatMap((level) => [
      site.put(`${level}/metadata/1050`, `note on ${level}`),
      site.put(`${level}/attachments/1040`, `file of ${level}`),
      site.put(`${level}/labels/theirs`),
    ]),
  );
  await site.put(`patients/${line.patient}/protected`, '1');
  site.fake.calls.length = 0;
  return line;
}

const textOf = async (path: string) => (await fetch(`${site.fake.url}/${path}`)).text();

async function expectKept(line: Line): Promise<void> {
  for (const level of levelsOf(line)) {
    const id = level.split('/')[1] ?? '';
    expect(site.fake.metadata(id)['1050']).toBe(`note on ${level}`);
    expect(await textOf(`${level}/attachments/1040/data`)).toBe(`file of ${level}`);
    expect(site.fake.labels(id)).toEqual(level.startsWith('patients') ? ['theirs'] : ['knee_ap', 'theirs']);
  }
  expect(await textOf(`patients/${line.patient}/protected`)).toBe('1');
  expect(site.record(line.instance)).toMatchObject({ category: 'knee_ap', labels: ['knee_ap'] });
  expect(site.category(line.instance)).toBe('knee_ap');
  for (const id of [line.series, line.study])
    expect(site.group(id)).toMatchObject({ categories: { knee_ap: 1 }, labels: ['knee_ap'] });
}

const journals = () => readdir(join(site.stateDir, 'tags')).catch(() => []);
const isTagged = async (line: Line) => (await attributesOf(site, line)).BodyPartExamined === 'KNEE';
/** The time until which a call without an answer may still be carried out. */
const muchLater = () => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });

test('what Orthanc loses with the file stands again on all levels, and when it came is noted', async () => {
  const line = await withOthersThings();
  const { ReceptionDate } = site.fake.metadata(line.instance);
  await taggerOn(site).tagger.run(line.instance);
  expect(await isTagged(line)).toBe(true);
  // Where this stands, all else stands again.
  expect(site.writes().at(-1)).toBe('PUT /instances/…/metadata/RadiographTags');
  await expectKept(line);
  expect(site.fake.metadata(line.instance).ReceptionDate).not.toBe(ReceptionDate);
  expect(tagsOf(site, line)?.received).toMatchObject({ ReceptionDate, Origin: 'RestApi' });
  expect(await journals()).toEqual([]);
  // The file comes anew a second time: it is still when it came first that is noted.
  await taggerOn(site).tagger.undo(line.instance);
  await expectKept(line);
  expect(tagsOf(site, line)?.received).toMatchObject({ ReceptionDate });
});

test('what others keep at a study with other instances is not touched', async () => {
  const line = await withOthersThings();
  site.store(image({ studyInstanceUid: '2.25.1', seriesInstanceUid: '2.25.2' }));
  await taggerOn(site).tagger.run(line.instance);
  await expectKept(line);
});

test('what somebody writes while it is restored is newer, and stays', async () => {
  const line = await withOthersThings();
  const path = `/instances/${line.instance}/metadata/1050`;
  site.interrupt(
    0,
    () => site.put(path.slice(1), 'newer'),
    (write) => write.path === path,
  );
  await taggerOn(site).tagger.run(line.instance);
  expect(site.fake.metadata(line.instance)['1050']).toBe('newer');
  expect(tagsOf(site, line)).toBeDefined();
});

test('a person who decides while the instance is bare waits until it is not', async () => {
  const line = await withOthersThings();
  const { tagger, recorder } = taggerOn(site);
  const { reached, release } = site.fake.hold(
    ({ method, path }) => method === 'PUT' && path.endsWith('/1050'),
  );
  const running = tagger.run(line.instance);
  await reached;
  expect(site.record(line.instance)).toBeUndefined();
  const correction = recorder.replace(line.instance, byPerson);
  release();
  await running;
  expect(await correction).toMatchObject({ previous: { category: 'knee_ap' } });
  expect(site.record(line.instance)).toMatchObject({ who: 'person', category: 'hand_ap' });
});

describe('a crash', () => {
  test.each([
    ['ended', true],
    ['came', false],
  ])(
    'brings no decision back where a person’s %s after it, and the file comes once more',
    async (_, isUndo) => {
      const file = image({ sopInstanceUid: uid(`sent once more ${isUndo}`) });
      const line = site.store(file);
      await decide(site, line, decidedAs('knee_ap'));
      const { recorder } = site.process();
      if (isUndo) await recorder.replace(line.instance, byPerson);
      expect(await site.dying(1, () => taggerOn(site, 'replace').tagger.run(line.instance))).toBe(true);
      await taggerOn(site, 'replace').tagger.resume();
      expect(await journals()).toEqual([`${line.instance}.json`]);
      await recorder.replace(line.instance, isUndo ? undone : byPerson);
      await site.remove(`instances/${line.instance}`);
      site.store(file);
      await taggerOn(site, 'replace').tagger.whole(line.instance, async () => undefined);
      // It is decided, or put back, as of a new file.
      expect(site.record(line.instance)).toBeUndefined();
      expect(site.fake.labels(line.instance)).toEqual([]);
    },
  );

  test('before Orthanc was given the file has changed nothing', async () => {
    const line = await withOthersThings();
    const run = () => taggerOn(site).tagger.run(line.instance);
    expect(await site.dying(0, run)).toBe(true);
    expect(await journals()).toEqual([`${line.instance}.json`]);
    const { tagger } = taggerOn(site);
    await tagger.resume();
    expect(await isTagged(line)).toBe(false);
    await expectKept(line);
    expect(tagsOf(site, line)).toBeUndefined();
    await tagger.run(line.instance);
    expect(await isTagged(line)).toBe(true);
    await expectKept(line);
  });

  // 1: the file; then on four levels, patient first: metadata, attachment and label; protection; sums; what is noted.
  test('after each single write is mended by the next start, before anything is decided', {
    timeout: 120_000,
  }, async () => {
    const first = await withOthersThings();
    await taggerOn(site).tagger.run(first.instance);
    const { length } = site.writes();
    expect(length).toBeGreaterThan(15);
    await site.remove(`instances/${first.instance}`);
    for (let writes = 1; writes < length; writes++) {
      const line = await withOthersThings();
      expect(await site.dying(writes, () => taggerOn(site).tagger.run(line.instance))).toBe(true);
      const { tagger, isDue } = taggerOn(site);
      await tagger.whole(line.instance, async () => undefined);
      expect(await isTagged(line)).toBe(true);
      await expectKept(line);
      expect(await isDue(line)).toBe(false);
      muchLater();
      await tagger.resume();
      vi.useRealTimers();
      expect(await journals()).toEqual([]);
      await site.remove(`instances/${line.instance}`);
    }
  });

  test('during the mending is mended by the start after that', async () => {
    const line = await withOthersThings();
    expect(await site.dying(1, () => taggerOn(site).tagger.run(line.instance))).toBe(true);
    expect(await site.dying(4, () => taggerOn(site).tagger.resume())).toBe(true);
    await taggerOn(site).tagger.resume();
    await expectKept(line);
  });
});

describe('a file that Orthanc stores late, after the crash', () => {
  async function late(): Promise<{ line: Line; store: () => void }> {
    const line = await withOthersThings();
    let file: Buffer = Buffer.alloc(0);
    site.fake.intercept = ({ method, path, body }) => {
      if (method !== 'POST' || path !== '/instances') return undefined;
      file = body;
      return 'cut';
    };
    await expect(taggerOn(site).tagger.run(line.instance)).rejects.toThrow();
    site.fake.intercept = () => undefined;
    return { line, store: () => void site.store(file) };
  }

  test('takes nothing away that came since', async () => {
    const { line, store } = await late();
    const { tagger } = taggerOn(site);
    await tagger.resume();
    store();
    expect(site.record(line.instance)).toBeUndefined();
    await tagger.whole(line.instance, async () => undefined);
    expect(await isTagged(line)).toBe(true);
    await expectKept(line);
    expect(tagsOf(site, line)).toBeDefined();
    expect(await journals()).toEqual([`${line.instance}.json`]);
  });

  test.each(['the reading', 'the next start'] as const)(
    'while an instance is read, and is mended by %s, is never read as an undecided one',
    async (mender) => {
      const { line, store } = await late();
      const { tagger, orthanc } = taggerOn(site);
      await tagger.resume();
      let readings = 0;
      const instance = await tagger.whole(line.instance, async () => {
        if (readings++ === 0) store();
        const read = await orthanc.hierarchy.instance(line.instance);
        if (mender === 'the next start') await tagger.resume();
        return read;
      });
      expect(recordOf(instance)?.record).toMatchObject({ category: 'knee_ap' });
      expect(readings).toBe(2);
    },
  );

  test('while the journal is brought up to date, takes nothing away', async () => {
    const { line, store } = await late();
    let isStored = false;
    site.fake.intercept = ({ path }) => {
      if (path.includes('/attachments') && !isStored) {
        isStored = true;
        store();
      }
      return undefined;
    };
    const { tagger } = taggerOn(site);
    await tagger.resume();
    expect(site.record(line.instance)).toBeUndefined();
    await tagger.whole(line.instance, async () => undefined);
    await expectKept(line);
  });

  test('is waited for no longer than it can take', async () => {
    const { tagger } = taggerOn(site);
    const { line } = await late();
    await tagger.resume();
    muchLater();
    await tagger.resume();
    expect(await journals()).toEqual([]);
    await expectKept(line);
  });
});

describe('a journal', () => {
  test('of an instance that was deleted is dropped', async () => {
    const line = await withOthersThings();
    expect(await site.dying(1, () => taggerOn(site).tagger.run(line.instance))).toBe(true);
    await site.remove(`instances/${line.instance}`);
    await taggerOn(site).tagger.resume();
    expect(await journals()).toEqual([]);
  });

  test('of an instance that Orthanc only leaves out stays, and is mended later', async () => {
    const line = await withOthersThings();
    expect(await site.dying(1, () => taggerOn(site).tagger.run(line.instance))).toBe(true);
    site.fake.intercept = ({ path }) =>
      path === '/tools/bulk-content' ? { status: 200, body: '[]' } : undefined;
    const { tagger } = taggerOn(site);
    await expect(tagger.resume()).rejects.toMatchObject({ code: 'orthanc_conflict' });
    site.fake.intercept = () => undefined;
    await tagger.resume();
    await expectKept(line);
  });

  test('that is damaged stops its instance alone', async () => {
    const damaged = instanceId.parse(`00000000${'-00000000'.repeat(4)}`);
    const line = await withOthersThings();
    expect(await site.dying(1, () => taggerOn(site).tagger.run(line.instance))).toBe(true);
    await mkdir(join(site.stateDir, 'tags'), { recursive: true });
    await writeFile(join(site.stateDir, 'tags', `${damaged}.json`), '{');
    const { tagger } = taggerOn(site);
    await tagger.resume();
    await expectKept(line);
    await expect(tagger.whole(damaged, async () => undefined)).rejects.toMatchObject({
      code: 'state_damaged',
    });
  });
});
