import { describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { requireCapabilities } from '../../src/orthanc/capabilities.js';
import { Orthanc } from '../../src/orthanc/orthanc.js';
import { callApi } from '../../testkit/api.js';
import { uid } from '../../testkit/dicom.js';
import { waitFor, withOrthanc } from '../../testkit/orthanc.js';
import { head, rulesFolder } from '../../testkit/rules.js';
import { dataset, picture, useTags } from '../../testkit/tags.js';

const { real, reader, ends, service, stop, tagsOf, waitForTags, text, fileOf, simplified } = await useTags();

const ours = ['0008,2218', '0018,0015', '0018,5101', '0054,0220'];
const others = (file: Buffer) => new Map([...dataset(file)].filter(([tag]) => !ours.includes(tag)));

const knee = [{ CodeValue: '72696002', CodingSchemeDesignator: 'SCT', CodeMeaning: 'Knee' }];

describe('a file', () => {
  test('gets body part, region and view if they are absent, and nothing else in it changes', async () => {
    const of = await service('absent');
    const bytes = picture();
    const { orthancId } = await real.storeInstance(bytes);
    await waitForTags(orthancId, 'knee_ap');
    expect(await simplified(orthancId)).toMatchObject({
      BodyPartExamined: 'KNEE',
      ViewPosition: 'AP',
      AnatomicRegionSequence: knee,
      ViewCodeSequence: [{ CodeValue: '399348003', CodeMeaning: 'antero-posterior' }],
    });
    expect(others(await fileOf(orthancId))).toEqual(others(bytes));
    expect(of.classifier.pictures).toHaveLength(1);
  });

  test('keeps present values unless the option replaces them, and the order is still compared with them', async () => {
    const hand = { attributes: { '0018,0015': ['CS', 'KNEE'], '0018,5101': ['CS', 'PA'] } } as const;
    await service('absent');
    const { orthancId } = await real.storeInstance(picture(hand));
    await waitForTags(orthancId, 'knee_ap');
    expect(await simplified(orthancId)).toMatchObject({ BodyPartExamined: 'KNEE', ViewPosition: 'PA' });
    await stop();
    await service('replace', { answer: 'hand_ap' });
    const second = await real.storeInstance(picture(hand));
    const tags = await waitForTags(second.orthancId, 'hand_ap');
    expect(tags.written.BodyPartExamined).toEqual({ was: 'KNEE', now: 'HAND' });
    // The category has no ViewPosition, so the modality's value stays.
    expect(await simplified(second.orthancId)).toMatchObject({
      BodyPartExamined: 'HAND',
      ViewPosition: 'PA',
    });
    const record = await reader().record(second.orthancId);
    expect(record?.order?.answer).toBe('differs');
    expect(record?.declared).toMatchObject({ bodyPart: 'KNEE', view: 'PA' });
  });

  test('gets no ViewPosition from a category that merges two views', async () => {
    await service('absent', { answer: 'chest_pa_ap' });
    const { orthancId } = await real.storeInstance(picture());
    const { written } = await waitForTags(orthancId, 'chest_pa_ap');
    expect(Object.keys(written).sort()).toEqual([
      'AnatomicRegionSequence',
      'BodyPartExamined',
      'ViewCodeSequence',
    ]);
    expect((await simplified(orthancId)).ViewPosition).toBe('');
  });

  test('with a different projection than such a category loses it, and gets it back by an undo', async () => {
    const of = await service('replace', { answer: 'chest_pa_ap' });
    const bytes = picture({ attributes: { '0018,5101': ['CS', 'LL'] } });
    const { orthancId } = await real.storeInstance(bytes);
    await waitForTags(orthancId, 'chest_pa_ap');
    expect((await simplified(orthancId)).ViewPosition).toBe('');
    await callApi(of, 'POST', '/tags/undo', { body: { instances: [orthancId] } });
    await waitFor(async () => (await simplified(orthancId)).ViewPosition === 'LL');
    expect(dataset(await fileOf(orthancId))).toEqual(dataset(bytes));
  });

  test('that is compressed keeps its transfer syntax and its code stream', async () => {
    await service('absent');
    const raw = await real.storeInstance(picture());
    await waitForTags(raw.orthancId, 'knee_ap');
    const transcoded = await fetch(`${real.orthanc.url}/instances/${raw.orthancId}/modify`, {
      method: 'POST',
      body: JSON.stringify({
        Transcode: '1.2.840.10008.1.2.4.70',
        Replace: { SOPInstanceUID: uid('lossless'), BodyPartExamined: '' },
        Remove: ['ViewPosition'],
        Force: true,
      }),
    });
    const bytes = Buffer.from(await transcoded.arrayBuffer());
    const { orthancId } = await real.storeInstance(bytes);
    await waitForTags(orthancId, 'knee_ap');
    const file = await fileOf(orthancId);
    expect((await simplified(orthancId)).ViewPosition).toBe('AP');
    expect(others(file).get('0002,0010')).toBe(others(bytes).get('0002,0010'));
    expect(others(file)).toEqual(others(bytes));
  });

  test('without a category is not changed, and written values are removed with the category', async () => {
    const of = await service('absent');
    const bytes = picture();
    const { orthancId } = await real.storeInstance(bytes);
    await waitForTags(orthancId, 'knee_ap');
    of.classifier.answer = async () => ({ category: 'knee_ap', score: 0.5 });
    await reader().put(`instances/${orthancId}`, 'RadiographReclassify', '{}');
    await waitFor(async () => {
      const [record, tags] = [await reader().record(orthancId), await tagsOf(orthancId)];
      return record?.decision === 'needs_review' && tags?.of === record.when;
    });
    expect(dataset(await fileOf(orthancId))).toEqual(dataset(bytes));
    const unsure = await real.storeInstance(picture());
    await reader().decided(unsure.orthancId);
    expect(await tagsOf(unsure.orthancId)).toBeUndefined();
  });

  test('follows a person’s correction, and its previous values are no mismatch to the order', async () => {
    const of = await service('absent');
    const { orthancId, study } = await real.storeInstance(picture());
    const { of: when } = await waitForTags(orthancId, 'knee_ap');
    const answer = await callApi(of, 'PUT', `/instances/${orthancId}/decision`, {
      body: { category: 'hand_ap', of: when },
      role: 'reviewer',
    });
    expect(answer.status).toBe(200);
    await waitForTags(orthancId, 'hand_ap');
    expect(await simplified(orthancId)).toMatchObject({ BodyPartExamined: 'HAND' });
    expect((await simplified(orthancId)).ViewPosition).toBe('');
    const record = await reader().record(orthancId);
    expect(record).toMatchObject({ who: 'person', person: { who: 'alice' } });
    // The file said KNEE by then, as Plainview had written.
    expect([record?.declared?.bodyPart, record?.declared?.view]).toEqual([undefined, undefined]);
    expect(record?.order?.answer).not.toBe('differs');
    expect(await reader().labels(`studies/${study}`)).toEqual(['hand_ap', 'settled_by_person']);
  });
});

test('twelve instances of a study at once are written once each, and the study’s labels are complete', async () => {
  const of = await service('absent', { env: { PLAINVIEW_REPORT: 'study' } });
  const studyInstanceUid = uid('twelve');
  const stored = await Promise.all(
    Array.from({ length: 12 }, (_, at) =>
      real.storeInstance(picture({ studyInstanceUid, seriesInstanceUid: uid(`of twelve ${at % 3}`) })),
    ),
  );
  const study = stored[0]?.study ?? '';
  const ids = stored.map(({ orthancId }) => orthancId);
  for (const id of ids) await waitForTags(id, 'knee_ap');
  await vi.waitFor(
    async () => {
      expect(await reader().group(`studies/${study}`)).toMatchObject({ categories: { knee_ap: 12 } });
      for (const id of ids) {
        const { of: reported } = JSON.parse(
          (await reader().metadata(`instances/${id}`, 'RadiographResult')) ?? '{}',
        );
        expect(reported).toBe((await reader().record(id))?.when);
      }
    },
    { timeout: 30_000, interval: 50 },
  );
  expect(await reader().labels(`studies/${study}`)).toEqual(['knee_ap']);
  expect(of.classifier.pictures).toHaveLength(12);
  // No more writes follow.
  const last = await reader().lastChange();
  for (const id of ids) await of.notice(id);
  const other = await real.storeInstance(picture());
  await waitForTags(other.orthancId, 'knee_ap');
  const answer = await fetch(`${real.orthanc.url}/changes?since=${last}&limit=1000`);
  const { Changes } = (await answer.json()) as { Changes: { ID: string }[] };
  expect(Changes.filter(({ ID }) => ids.includes(ID))).toEqual([]);
});

test('reports are made too, from the changed file', async () => {
  await service('absent', { env: { PLAINVIEW_REPORT: 'instance' } });
  const { orthancId, study } = await real.storeInstance(picture());
  await waitForTags(orthancId, 'knee_ap');
  await waitFor(async () => JSON.parse(await text(`studies/${study}/statistics`)).CountInstances === 2);
  expect(await reader().metadata(`instances/${orthancId}`, 'RadiographTags')).toBeDefined();
});

test('rules use the first receipt of the file, and the written attributes', async () => {
  await service('off');
  const before = await real.storeInstance(picture());
  await reader().decided(before.orthancId);
  await stop();
  // Orthanc's times are in whole seconds.
  const since = Math.ceil(Date.now() / 1000) * 1000 + 1000;
  await waitFor(() => Date.now() >= since);
  const place = await rulesFolder();
  ends.push(() => place.discard());
  const rule = { name: 'all', when: { tags: { BodyPartExamined: 'KNEE' } }, do: { label: 'seen' } };
  await place.write({ ...head, since: new Date(since).toISOString(), rules: [rule] });
  const of = await service('absent', { env: { PLAINVIEW_RULES_FILE: place.file } });
  await callApi(of, 'POST', '/sweep', { body: {} });
  await waitForTags(before.orthancId, 'knee_ap');
  const after = await real.storeInstance(picture());
  await waitFor(async () => (await reader().labels(`instances/${after.orthancId}`)).includes('seen'));
  await of.notice(before.orthancId);
  await waitFor(async () => /why="already_decided"} [1-9]/.test(await of.metrics()));
  expect(await reader().metadata(`instances/${before.orthancId}`, 'RadiographRoutes')).toBeUndefined();
});

test('the service does not start if Orthanc would not replace files, and names the missing line', async () => {
  await withOrthanc({}, async ({ url }) => {
    const config = loadConfig({ PLAINVIEW_ORTHANC_URL: url, PLAINVIEW_TAGS: 'absent' });
    const orthanc = new Orthanc(config);
    const system = await orthanc.system();
    expect(() => requireCapabilities(system, config)).toThrow('"OverwriteInstances": true');
    expect(() => requireCapabilities(system, { tags: 'off' })).not.toThrow();
    orthanc.close();
  });
});
