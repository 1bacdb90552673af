import { describe, expect, test } from 'vitest';
import { image, uid } from '../../../../testkit/dicom.js';
import { decidedAs, type Line, useFakeSite } from '../../../../testkit/fake-site.js';
import { attributesOf, datasetOf, decide, taggerOn, tagsOf } from './support.js';

const written = ['AnatomicRegionSequence', 'BodyPartExamined', 'ViewCodeSequence', 'ViewPosition'];
const later = (category: string) => decidedAs(category, { when: '2024-03-01T00:00:00.000Z' });
const failedLater = () => {
  const { category: _, ...rest } = later('knee_ap');
  return { ...rest, decision: 'failed' as const, failure: { code: 'internal', message: 'ill' } };
};

describe('an Orthanc that replaces files', () => {
  const site = useFakeSite({ overwriteInstances: true });

  /** An instance that is decided to be a knee. No call counts so far. */
  async function knee(attributes: Parameters<typeof image>[0] = {}): Promise<Line> {
    const line = site.store(image(attributes));
    await decide(site, line, decidedAs('knee_ap'));
    site.fake.calls.length = 0;
    return line;
  }
  const stores = () => site.writes().filter((write) => write === 'POST /instances').length;

  test('has the region and the view in its files, and pixels and all else as they were', async () => {
    const line = await knee();
    const before = await datasetOf(site, line);
    const { tagger, isDue } = taggerOn(site);
    expect(await isDue(line)).toBe(true);
    await tagger.run(line.instance);
    expect(await attributesOf(site, line)).toMatchObject({ BodyPartExamined: 'KNEE', ViewPosition: 'AP' });
    const after = await datasetOf(site, line);
    for (const [tag, value] of before)
      if (!['0018,0015', '0018,5101'].includes(tag)) expect(after.get(tag)).toBe(value);
    expect(after.size).toBe(before.size + 2);
    expect(Object.keys(tagsOf(site, line)?.written ?? {}).sort()).toEqual(written);
    expect(tagsOf(site, line)?.written.BodyPartExamined).toEqual({ was: '', now: 'KNEE' });
    expect(await isDue(line)).toBe(false);
    await tagger.run(line.instance);
    expect(stores()).toBe(1);
  });

  test('does not bring back a label of a rule that was taken from the study meanwhile', async () => {
    const inStudy = { studyInstanceUid: uid('routed meanwhile') };
    const line = await knee(inStudy);
    site.store(image(inStudy));
    const noted = (labels: string[]) =>
      site.put(`studies/${line.study}/metadata/RadiographRoutes`, JSON.stringify({ version: 1, labels }));
    await noted(['urgent']);
    await site.put(`studies/${line.study}/labels/urgent`);
    site.interrupt(
      0,
      async () => {
        await site.remove(`studies/${line.study}/labels/urgent`);
        await noted([]);
      },
      ({ method, path }) => method === 'POST' && path === '/instances',
    );
    await taggerOn(site).tagger.run(line.instance);
    expect(stores()).toBe(1);
    expect(site.fake.labels(line.study)).not.toContain('urgent');
  });

  test('does not bring back the labels of a decision that another service replaced while the file was stored anew', async () => {
    const line = await knee();
    let isStored = false;
    site.fake.intercept = async ({ method, path }) => {
      if (isStored) {
        site.fake.intercept = () => undefined;
        await decide(site, line, later('hand_ap'));
      }
      isStored = method === 'POST' && path === '/instances';
      return undefined;
    };
    await taggerOn(site).tagger.run(line.instance);
    expect(stores()).toBe(1);
    expect(site.record(line.instance)?.category).toBe('hand_ap');
    for (const id of [line.instance, line.series, line.study])
      expect(site.fake.labels(id)).toEqual(['hand_ap']);
  });

  // Orthanc answers this call with the note and the label, or with neither.
  test.each([0, 1, 2])(
    'keeps a label together with the note of whose it is, where another service adds both before reading %i',
    async (call) => {
      const line = await knee();
      const note = JSON.stringify({ version: 1, routes: [], wanted: ['urgent'], labels: ['urgent'] });
      site.interrupt(
        call,
        async () => {
          await site.put(`instances/${line.instance}/metadata/RadiographRoutes`, note);
          await site.put(`instances/${line.instance}/labels/urgent`);
        },
        ({ path }) => path === '/tools/bulk-content',
      );
      await taggerOn(site).tagger.run(line.instance);
      expect(stores()).toBe(1);
      expect(site.fake.labels(line.instance)).toEqual(['knee_ap', 'urgent']);
      expect(site.fake.metadata(line.instance).RadiographRoutes).toBe(note);
    },
  );

  test.each([
    ['absent', 'LEG'],
    ['replace', 'KNEE'],
  ] as const)('in mode %s has %s where somebody else had written LEG', async (mode, expected) => {
    const line = await knee({ attributes: { '0018,0015': ['CS', 'LEG'] } });
    await taggerOn(site, mode).tagger.run(line.instance);
    expect(await attributesOf(site, line)).toMatchObject({ BodyPartExamined: expected, ViewPosition: 'AP' });
    expect(tagsOf(site, line)?.written.BodyPartExamined).toEqual(
      mode === 'replace' ? { was: 'LEG', now: 'KNEE' } : undefined,
    );
  });

  test('has another decision written in place of the former one, and none taken back', async () => {
    const line = await knee();
    const before = await datasetOf(site, line);
    const { tagger, isDue } = taggerOn(site);
    await tagger.run(line.instance);
    await decide(site, line, later('hand_ap'));
    expect(await isDue(line)).toBe(true);
    await tagger.run(line.instance);
    expect(await attributesOf(site, line)).toMatchObject({ BodyPartExamined: 'HAND', ViewPosition: '' });
    expect(tagsOf(site, line)?.written.BodyPartExamined).toEqual({ was: '', now: 'HAND' });
    await decide(site, line, { ...failedLater(), when: '2024-04-01T00:00:00.000Z' });
    await tagger.run(line.instance);
    expect(await datasetOf(site, line)).toEqual(before);
    expect(tagsOf(site, line)?.written).toEqual({});
  });

  test('has nothing to do where no category was given', async () => {
    const line = site.store(image());
    await decide(site, line, failedLater());
    const { tagger, isDue } = taggerOn(site);
    expect(await isDue(line)).toBe(false);
    await tagger.run(line.instance);
    expect(stores()).toBe(0);
  });

  test('is only noted where the file says it already', async () => {
    const first = await knee();
    const { tagger } = taggerOn(site);
    await tagger.run(first.instance);
    await site.remove(`instances/${first.instance}/metadata/RadiographTags`);
    await tagger.run(first.instance);
    expect(stores()).toBe(1);
    expect(tagsOf(site, first)).toMatchObject({ of: decidedAs('').when, written: {} });
  });

  describe('an undo', () => {
    test('gives the file back as it was, and it stays so until another decision', async () => {
      const line = await knee();
      const before = await datasetOf(site, line);
      const { tagger, isDue } = taggerOn(site, 'replace');
      expect(await tagger.undo(line.instance)).toBe(false);
      await tagger.run(line.instance);
      expect(await tagger.undo(line.instance)).toBe(true);
      expect(await datasetOf(site, line)).toEqual(before);
      expect(tagsOf(site, line)).toMatchObject({ written: {}, undone: true });
      expect(await isDue(line)).toBe(false);
      expect(await tagger.undo(line.instance)).toBe(false);
      await decide(site, line, later('hand_ap'));
      expect(await isDue(line)).toBe(true);
      await tagger.run(line.instance);
      expect(tagsOf(site, line)?.undone).toBeUndefined();
    });

    test('leaves what somebody changed since', async () => {
      const line = await knee();
      const { tagger } = taggerOn(site);
      await tagger.run(line.instance);
      const tags = site.fake.metadata(line.instance).RadiographTags ?? '';
      const edit = { Replace: { BodyPartExamined: 'LEG' }, Keep: ['SOPInstanceUID'], Force: true };
      const url = `${site.fake.url}/instances/${line.instance}/modify`;
      const edited = await fetch(url, { method: 'POST', body: JSON.stringify(edit) });
      site.store(Buffer.from(await edited.arrayBuffer()));
      await site.put(`instances/${line.instance}/metadata/RadiographTags`, tags);
      await tagger.undo(line.instance);
      const { BodyPartExamined, ViewPosition } = await attributesOf(site, line);
      expect([BodyPartExamined, ViewPosition]).toEqual(['LEG', '']);
    });
  });

  describe('a file that cannot be written', () => {
    const refused = { code: 'tags_not_written', transient: false };

    test('because it is signed, stays, and that is noted once', async () => {
      const line = await knee({ attributes: { 'fffa,fffa': ['SQ', []] } });
      const { tagger, isDue, orthanc } = taggerOn(site);
      await expect(tagger.run(line.instance)).rejects.toMatchObject(refused);
      const failure = { code: 'tags_not_written', message: 'signed' };
      await tagger.recordFailure(await orthanc.hierarchy.instance(line.instance), failure);
      expect(tagsOf(site, line)).toMatchObject({ written: {}, failure });
      expect(await isDue(line)).toBe(false);
      expect(stores()).toBe(0);
    });

    test('because Orthanc would change its pixels, stays', async () => {
      const line = await knee();
      const file = Buffer.from(
        await (await fetch(`${site.fake.url}/instances/${line.instance}/file`)).arrayBuffer(),
      );
      file.writeUInt8(1, file.length - 1);
      site.fake.intercept = ({ path }) =>
        path.endsWith('/modify')
          ? { status: 200, headers: { 'content-type': 'application/dicom' }, body: file }
          : undefined;
      await expect(taggerOn(site).tagger.run(line.instance)).rejects.toMatchObject(refused);
      expect(stores()).toBe(0);
    });

    test('because somebody replaced it meanwhile, is left to the next try', async () => {
      const file = image();
      const line = site.store(file);
      await decide(site, line, decidedAs('knee_ap'));
      site.interrupt(
        0,
        async () => site.store(file),
        ({ path }) => path.endsWith('/attachments'),
      );
      await expect(taggerOn(site).tagger.run(line.instance)).rejects.toMatchObject({
        code: 'orthanc_conflict',
      });
      expect(stores()).toBe(0);
      expect((await attributesOf(site, line)).BodyPartExamined).toBe('');
    });

    test('because it is gone, is gone', async () => {
      const line = await knee();
      await site.remove(`instances/${line.instance}`);
      await expect(taggerOn(site).tagger.run(line.instance)).rejects.toMatchObject({ code: 'instance_gone' });
    });
  });
});

describe('an Orthanc that keeps the first file', () => {
  const site = useFakeSite();

  test('refuses, and nothing is lost', async () => {
    const line = site.store(image());
    await decide(site, line, decidedAs('knee_ap'));
    const { tagger } = taggerOn(site);
    await expect(tagger.run(line.instance)).rejects.toThrow('Orthanc says AlreadyStored');
    expect(site.fake.labels(line.instance)).toEqual(['knee_ap']);
    expect(tagsOf(site, line)).toBeUndefined();
  });
});
