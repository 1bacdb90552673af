import { describe, expect, test } from 'vitest';
import { undone } from '../../../src/decisions/correction.js';
import type { Job } from '../../../src/queue/queue.js';
import { hold } from '../../../testkit/classifier.js';
import { image, instance } from '../../../testkit/dicom.js';
import { byPerson, type Line, siteSecret, useFakeSite } from '../../../testkit/fake-site.js';
import { sealedRequest } from '../../../testkit/signed.js';
import { waitFor } from '../../../testkit/wait-for.js';
import { failure, jobOf, pipelineOn } from './support.js';

const site = useFakeSite();

/** An instance that the network calls knee_lateral. No call counts so far. */
async function decided(file = image()): Promise<Line> {
  const line = site.store(file);
  await pipelineOn(site).pipeline.process(jobOf(line.instance));
  site.fake.calls.length = 0;
  return line;
}

async function corrected(file = image()): Promise<Line> {
  const line = await decided(file);
  await site.process().recorder.replace(line.instance, byPerson);
  site.fake.calls.length = 0;
  return line;
}

const request = (line: Line, more: object = {}) =>
  site.put(
    `instances/${line.instance}/metadata/RadiographReclassify`,
    JSON.stringify({ who: 'bob', when: '2024-04-01T00:00:00.000Z', ...more }),
  );
/** A request that may end the decision that stands now, or the one of another time. */
const sealed = (line: Line, when: string, ends = site.record(line.instance)?.when) =>
  site.put(
    `instances/${line.instance}/metadata/RadiographReclassify`,
    sealedRequest(siteSecret, line.instance, { who: 'bob', when, ends }),
  );
const requestOf = ({ instance: id }: Line) => site.fake.metadata(id).RadiographReclassify;

describe('a new instance', () => {
  test('is described, rendered and written: twelve calls', async () => {
    const { instance: id } = site.store(image());
    const { pipeline, classifier } = pipelineOn(site);
    const outcome = await pipeline.process(jobOf(id));
    expect(outcome).toMatchObject({ kind: 'decided', decision: 'category', category: 'knee_lateral' });
    expect(classifier.pictures).toHaveLength(1);
    expect(site.fake.calls).toHaveLength(12);
    expect(site.record(id)).toMatchObject({
      category: 'knee_lateral',
      who: 'network',
      network: { name: 'stub' },
      engine: 'onnxruntime',
      labels: ['knee_lateral'],
    });
    expect(await pipeline.whySettled(await site.process().orthanc.hierarchy.instance(id))).toBe(
      'already_decided',
    );
  });

  test('gets no category where a person should look', async () => {
    const { instance: id } = site.store(image());
    const { pipeline, classifier } = pipelineOn(site);
    classifier.answer = async () => ({ category: 'knee_ap', score: 0.6 });
    expect(await pipeline.process(jobOf(id))).not.toHaveProperty('category');
    expect(site.category(id)).toBe('unknown');
    expect(site.fake.labels(id)).toEqual(['needs_review']);
  });

  test.each([
    ['modality', instance({ modality: 'SR' })],
    ['modality', image({ modality: 'CT' })],
    ['no_pixels', instance({ modality: 'DX' })],
    ['multiframe', image({ frames: 3 })],
  ])('that is no radiograph (%s) is not rendered, and nothing is written', async (why, file) => {
    const { instance: id } = site.store(file);
    const { pipeline } = pipelineOn(site, { env: { PLAINVIEW_MULTIFRAME: 'skip' } });
    expect(await pipeline.process(jobOf(id))).toMatchObject({ kind: 'skipped', why });
    expect(site.fake.calls.filter(({ path }) => path.includes('rendered'))).toEqual([]);
    expect(site.writes()).toEqual([]);
  });

  test('of many frames is looked at in the middle, where the site wants that', async () => {
    const { instance: id } = site.store(image({ frames: 5 }));
    await pipelineOn(site, { env: { PLAINVIEW_MULTIFRAME: 'middle' } }).pipeline.process(jobOf(id));
    expect(site.fake.calls[2]?.path).toBe(`/instances/${id}/frames/2/rendered`);
  });
});

describe('an undecided instance', () => {
  test('that is decided meanwhile is not decided again', async () => {
    const { instance: id } = site.store(image());
    const { pipeline, classifier } = pipelineOn(site);
    const gate = hold(classifier, { category: 'knee_ap', score: 0.99 });
    const outcome = pipeline.process(jobOf(id));
    await gate.reached;
    await pipelineOn(site).pipeline.process(jobOf(id));
    const before = site.fake.metadata(id);
    gate.release();
    expect(await outcome).toEqual({ kind: 'skipped', why: 'already_decided' });
    expect(site.fake.metadata(id)).toEqual(before);
  });

  test('that is requested meanwhile is decided, and the request is left to the next job', async () => {
    const line = site.store(image());
    const { pipeline, classifier } = pipelineOn(site);
    const gate = hold(classifier, { category: 'knee_ap', score: 0.99 });
    const outcome = pipeline.process(jobOf(line.instance));
    await gate.reached;
    await request(line);
    gate.release();
    expect(await outcome).toMatchObject({ kind: 'decided', category: 'knee_ap' });
    expect(site.record(line.instance)?.requested).toBeUndefined();
    expect(requestOf(line)).toBeDefined();
    await pipeline.process(jobOf(line.instance));
    expect(site.record(line.instance)?.requested).toEqual({ who: 'bob', when: '2024-04-01T00:00:00.000Z' });
    expect(requestOf(line)).toBeUndefined();
  });

  test('that is stored again, and whose correction is kept, gets that back without a look', async () => {
    const file = image();
    const line = await corrected(file);
    await site.remove(`instances/${line.instance}`);
    site.store(file);
    const again = pipelineOn(site);
    const outcome = await again.pipeline.process(jobOf(line.instance));
    expect(outcome).toEqual({ kind: 'skipped', why: 'correction_put_back' });
    expect(site.record(line.instance)).toMatchObject({ who: 'person', category: 'hand_ap' });
    expect(again.classifier.pictures).toEqual([]);
  });
});

describe('what is decided already', () => {
  test('by this network is left alone with one call, and its file is not read', async () => {
    const { instance: id } = await decided();
    const outcome = await pipelineOn(site).pipeline.process(jobOf(id));
    expect(outcome).toEqual({ kind: 'skipped', why: 'already_decided' });
    expect(site.fake.calls.map(({ path }) => path)).toEqual(['/tools/bulk-content']);
  });

  test('by an undo that is half-written is finished, and stays the decision that it is', async () => {
    const { instance: id } = await corrected();
    const { pipeline, classifier, recorder } = pipelineOn(site);
    await recorder.replace(id, undone);
    const written = site.fake.metadata(id);
    await site.remove(`instances/${id}/metadata/RadiographCategory`);
    const seen = classifier.pictures.length;
    expect(await pipeline.process(jobOf(id))).toEqual({ kind: 'skipped', why: 'already_decided' });
    expect(site.fake.metadata(id)).toEqual(written);
    expect(classifier.pictures).toHaveLength(seen);
  });

  test('half, and requested anew while a job is about to finish it, is decided for that request', async () => {
    const line = await decided();
    await site.remove(`instances/${line.instance}/metadata/RadiographCategory`);
    site.fake.calls.length = 0;
    const { pipeline, locks } = pipelineOn(site);
    const requesting = locks.exclusive('instance', line.instance, async () => {
      await waitFor(() => site.fake.calls.length >= 2);
      await request(line);
    });
    const job = pipeline.process(jobOf(line.instance)).catch((error: unknown) => error);
    await requesting;
    expect(await job).toMatchObject({ code: 'orthanc_conflict', transient: true });
    await pipeline.process(jobOf(line.instance));
    expect(site.record(line.instance)?.requested?.who).toBe('bob');
    expect(requestOf(line)).toBeUndefined();
  });

  test('by a correction that is taken back, because it was about a picture that this one replaced, is tried again', async () => {
    const { instance: id } = await corrected();
    await site.remove(`instances/${id}/metadata/RadiographCategory`);
    site.fake.calls.length = 0;
    const { pipeline, locks } = pipelineOn(site);
    // The correction is at its last step.
    const correction = locks.exclusive('instance', id, async () => {
      await waitFor(() => site.fake.calls.length >= 2);
      await site.remove(`instances/${id}/metadata/Radiograph`);
    });
    const job = pipeline.process(jobOf(id)).catch((error: unknown) => error);
    await correction;
    expect(await job).toMatchObject({ code: 'orthanc_conflict', transient: true });
  });

  test('by another network is decided anew, though it is not unfinished', async () => {
    const { instance: id } = await decided();
    const other = pipelineOn(site, { sha256: 'b'.repeat(64) });
    expect(other.pipeline.isUnfinished(await other.orthanc.hierarchy.instance(id))).toBe(false);
    other.classifier.answer = async () => ({ category: 'ankle_ap', score: 0.99 });
    expect(await other.pipeline.process(jobOf(id))).toMatchObject({ kind: 'decided', category: 'ankle_ap' });
    expect(site.fake.labels(id)).toEqual(['ankle_ap']);
  });

  test('but asked for anew is decided anew, and the request is gone', async () => {
    const line = await decided();
    await request(line);
    expect(await pipelineOn(site).pipeline.process(jobOf(line.instance))).toMatchObject({ kind: 'decided' });
    expect(requestOf(line)).toBeUndefined();
  });

  test('and asked for anew while it is being decided for an earlier request is decided once more', async () => {
    const line = await decided();
    await request(line);
    const { pipeline, classifier } = pipelineOn(site);
    const gate = hold(classifier, { category: 'knee_ap', score: 0.99 });
    const job = pipeline.process(jobOf(line.instance));
    await gate.reached;
    await request(line, { who: 'eve' });
    gate.release();
    await job;
    expect(site.record(line.instance)?.requested?.who).toBe('bob');
    await pipeline.process(jobOf(line.instance));
    expect(site.record(line.instance)?.requested?.who).toBe('eve');
    expect(requestOf(line)).toBeUndefined();
  });

  test('and lost one of its labels gets it back', async () => {
    const { instance: id } = await decided();
    await site.remove(`instances/${id}/labels/knee_lateral`);
    await pipelineOn(site).pipeline.process(jobOf(id));
    expect(site.fake.labels(id)).toEqual(['knee_lateral']);
  });
});

describe("a person's decision", () => {
  const later = '2024-04-01T00:00:00.000Z';
  const copied = { who: 'bob', when: later, includingCorrected: true };
  const sealOf = (instance: string, of: { who: string; when: string; ends?: string }): string =>
    (JSON.parse(sealedRequest(siteSecret, instance, of)) as { seal: string }).seal;
  const other = '00000001-00000002-00000003-00000004-00000005';

  test.each<[string, (line: Line) => Promise<void>]>([
    ['does not include it', (line) => request(line)],
    ['is about the decision before it', (line) => sealed(line, later, '2024-02-01T00:00:00.000Z')],
    ['has no seal', (line) => request(line, copied)],
    [
      'has the seal of another decision',
      (line) =>
        request(line, {
          ...copied,
          ends: site.record(line.instance)?.when,
          seal: sealOf(line.instance, { ...copied, ends: '2024-02-01T00:00:00.000Z' }),
        }),
    ],
    ['has a guessed seal', (line) => request(line, { ...copied, seal: 'ab'.repeat(32) })],
    ['has the seal of another instance', (line) => request(line, { ...copied, seal: sealOf(other, copied) })],
    [
      'has the seal of an earlier time',
      (line) =>
        request(line, {
          ...copied,
          seal: sealOf(line.instance, { who: 'bob', when: '2024-02-01T00:00:00.000Z' }),
        }),
    ],
    [
      'has the seal of another person',
      (line) => request(line, { ...copied, seal: sealOf(line.instance, { who: 'eve', when: later }) }),
    ],
  ])('stays where a request %s, and the request is dropped', async (_what, ask) => {
    const line = await corrected();
    await ask(line);
    const { pipeline, classifier } = pipelineOn(site);
    const outcome = await pipeline.process(jobOf(line.instance));
    expect(outcome).toEqual({ kind: 'skipped', why: 'corrected_by_person' });
    expect(requestOf(line)).toBeUndefined();
    expect(site.record(line.instance)?.who).toBe('person');
    expect(classifier.pictures).toEqual([]);
  });

  test.each(Array.from({ length: 16 }, (_, writes) => writes))(
    'that came after a request, and is cut off after %i writes, does not fall to it once it is recorded',
    async (writes) => {
      const line = await decided();
      await sealed(line, '2999-01-01T00:00:00.000Z');
      await site.dying(writes, () => site.process().recorder.replace(line.instance, byPerson));
      const isRecorded = site.record(line.instance)?.who === 'person';
      await pipelineOn(site).pipeline.process(jobOf(line.instance));
      expect(site.record(line.instance)?.who).toBe(isRecorded ? 'person' : 'network');
      expect(requestOf(line)).toBeUndefined();
    },
  );

  test.each([
    ['later', '2999-01-01T00:00:00.000Z'],
    ['earlier: the clock was set back', '2000-01-01T00:00:00.000Z'],
  ])('is replaced where a request after it includes corrected ones; its time is %s', async (_what, when) => {
    const line = await corrected();
    await sealed(line, when);
    expect(await pipelineOn(site).pipeline.process(jobOf(line.instance))).toMatchObject({ kind: 'decided' });
    expect(site.record(line.instance)).toMatchObject({ who: 'network', category: 'knee_lateral' });
    expect(await site.corrections().ofInstance(line.instance)).toEqual([]);
  });

  test('that came while the network looked is newer', async () => {
    const line = await decided();
    await request(line);
    const { pipeline, classifier } = pipelineOn(site);
    const gate = hold(classifier, { category: 'knee_ap', score: 0.99 });
    const outcome = pipeline.process(jobOf(line.instance));
    await gate.reached;
    await site.process().recorder.replace(line.instance, byPerson);
    gate.release();
    expect(await outcome).toEqual({ kind: 'skipped', why: 'corrected_by_person' });
    expect(site.record(line.instance)).toMatchObject({ who: 'person', category: 'hand_ap' });
    expect(requestOf(line)).toBeUndefined();
  });

  test('half written is finished', async () => {
    const line = await decided();
    const half = () => site.process().recorder.replace(line.instance, byPerson);
    expect(await site.dying(3, half)).toBe(true);
    const { pipeline, orthanc } = pipelineOn(site);
    expect(pipeline.isUnfinished(await orthanc.hierarchy.instance(line.instance))).toBe(true);
    await pipeline.process(jobOf(line.instance));
    expect(site.category(line.instance)).toBe('hand_ap');
    for (const id of [line.instance, line.series, line.study])
      expect(site.fake.labels(id)).toEqual(['hand_ap']);
  });
});

describe('a decision that fails', () => {
  test('because the picture is too large, does not fetch it', async () => {
    const { instance: id } = site.store(image({ rows: 1001, columns: 1000, bitsStored: 8 }));
    const { pipeline } = pipelineOn(site, { env: { PLAINVIEW_MAX_MEGAPIXELS: '1' } });
    await expect(pipeline.process(jobOf(id))).rejects.toMatchObject({
      code: 'picture_too_large',
      transient: false,
    });
    expect(site.fake.calls.filter(({ path }) => path.includes('rendered'))).toEqual([]);
  });

  test('because Orthanc cannot render the file, says so', async () => {
    const { instance: id } = site.store(image({ truncateBy: 100 }));
    await expect(pipelineOn(site).pipeline.process(jobOf(id))).rejects.toMatchObject({
      code: 'instance_not_renderable',
    });
    expect(site.writes()).toEqual([]);
  });

  test('is recorded with its reason and a label, and takes the place of a former decision', async () => {
    const line = await decided();
    await request(line);
    const { pipeline } = pipelineOn(site);
    expect(await pipeline.recordFailure(jobOf(line.instance), failure)).toMatchObject({
      kind: 'decided',
      decision: 'failed',
    });
    expect(site.record(line.instance)).toMatchObject({ decision: 'failed', failure, top: [] });
    expect(site.record(line.instance)?.requested?.who).toBe('bob');
    expect(site.category(line.instance)).toBe('unknown');
    for (const id of [line.instance, line.series, line.study])
      expect(site.fake.labels(id)).toEqual(['classification_failed']);
    expect(requestOf(line)).toBeUndefined();
  });

  test('takes nothing from a person, also where a request includes corrected ones', async () => {
    const line = await corrected();
    await sealed(line, '2024-04-01T00:00:00.000Z');
    const outcome = await pipelineOn(site).pipeline.recordFailure(jobOf(line.instance), failure);
    expect(outcome).toEqual({ kind: 'skipped', why: 'corrected_by_person' });
    expect(site.record(line.instance)).toMatchObject({ who: 'person', category: 'hand_ap' });
    expect(requestOf(line)).toBeUndefined();
  });
});

describe('an instance that is deleted', () => {
  test.each([0, 1, 2, 3])('before call %i is gone, and nothing is written', async (call) => {
    const { instance: id } = site.store(image());
    site.interrupt(call, () => site.remove(`instances/${id}`));
    await expect(pipelineOn(site).pipeline.process(jobOf(id))).rejects.toMatchObject({
      code: 'instance_gone',
    });
    expect(site.writes().filter((write) => write.startsWith('PUT'))).toEqual([]);
  });

  test.each([4, 5, 6, 7, 8, 9, 10])('before call %i is gone at the next try', async (call) => {
    const { instance: id } = site.store(image());
    const { pipeline } = pipelineOn(site);
    site.interrupt(call, () => site.remove(`instances/${id}`));
    await expect(pipeline.process(jobOf(id))).rejects.toMatchObject({ transient: true });
    const again: Job = { ...jobOf(id), attempt: 2 };
    await expect(pipeline.process(again)).rejects.toMatchObject({ code: 'instance_gone' });
    await expect(pipeline.recordFailure(again, failure)).rejects.toMatchObject({ code: 'instance_gone' });
  });
});
