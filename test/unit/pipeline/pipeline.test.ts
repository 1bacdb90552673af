import { describe, expect, test } from 'vitest';
import { tapsFor } from '../../../src/classify/prepare/resize.js';
import { corrected as correctedTo, undone } from '../../../src/decisions/correction.js';
import { type InstanceRecord, instanceRecord } from '../../../src/decisions/schema.js';
import { shadowOf } from '../../../src/decisions/shadow.js';
import { readPam } from '../../../src/files/pam.js';
import type { Job } from '../../../src/queue/queue.js';
import { hold, scoresOf, stubClassifier } from '../../../testkit/classifier.js';
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
    expect(await pipeline.whySettled(await site.process().orthanc.hierarchy.instance(id), 'hook')).toBe(
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
    expect(site.record(id)?.because).toMatchObject([
      { code: 'under_threshold', params: { category: 'knee_ap', score: 0.6 } },
    ]);
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

describe('the picture that the network gets', () => {
  const large = () => site.store(image({ rows: 300, columns: 500 })).instance;
  const sizes = (pictures: readonly Buffer[]) =>
    pictures.map((picture) => {
      const { width, height, sampledOf } = readPam(picture);
      return { width, height, sampledOf };
    });

  test('has only the rows and columns that it looks at', async () => {
    const { pipeline, classifier } = pipelineOn(site);
    classifier.taps = tapsFor({ height: 16, width: 20 });
    await pipeline.process(jobOf(large()));
    expect(sizes(classifier.pictures)).toEqual([
      { width: 40, height: 32, sampledOf: { width: 500, height: 300 } },
    ]);
  });

  test('is rendered anew where another network has taken its place meanwhile', async () => {
    const { pipeline, classifier } = pipelineOn(site);
    classifier.taps = tapsFor({ height: 16, width: 20 });
    site.fake.intercept = ({ path }) => {
      if (path.endsWith('/rendered')) delete classifier.taps;
      return undefined;
    };
    await pipeline.process(jobOf(large()));
    expect(sizes(classifier.pictures)).toEqual([{ width: 500, height: 300, sampledOf: undefined }]);
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

  test.each(['hook', 'request', 'changes'] as const)(
    'by another network stays after a notice (%s)',
    async (reason) => {
      const { instance: id } = await decided();
      const { pipeline, classifier } = pipelineOn(site, { sha256: 'b'.repeat(64) });
      const why = { kind: 'skipped', why: 'already_decided' };
      expect(await pipeline.process({ ...jobOf(id), reason })).toMatchObject(why);
      expect(classifier.pictures).toEqual([]);
      expect(site.writes()).toEqual([]);
    },
  );

  test('by another network that was cut off is decided anew, whatever the reason', async () => {
    const { instance: id } = await decided();
    await site.remove(`instances/${id}/metadata/RadiographCategory`);
    const { pipeline } = pipelineOn(site, { sha256: 'b'.repeat(64) });
    expect(await pipeline.process(jobOf(id))).toMatchObject({ kind: 'decided' });
    expect(site.record(id)?.network.sha256).toBe('b'.repeat(64));
  });

  test('by a person stays when another network is in use, also after a sweep, and after its undo until then', async () => {
    const line = await corrected();
    const { pipeline, recorder } = pipelineOn(site, { sha256: 'b'.repeat(64) });
    const sweep: Job = { ...jobOf(line.instance), reason: 'sweep' };
    expect(await pipeline.process(sweep)).toMatchObject({ why: 'corrected_by_person' });
    await recorder.replace(line.instance, undone);
    expect(await pipeline.process({ ...sweep, reason: 'request' })).toMatchObject({ why: 'already_decided' });
    expect(site.record(line.instance)?.network.sha256).toBe('a'.repeat(64));
    expect(await pipeline.process(sweep)).toMatchObject({ kind: 'decided' });
  });

  test('by the same ONNX file with another description is decided anew by a sweep, and by nothing else', async () => {
    const line = site.store(image());
    const sweep: Job = { ...jobOf(line.instance), reason: 'sweep' };
    const process = (job: Job, described?: string) => {
      const { pipeline, classifier } = pipelineOn(site);
      Object.assign(classifier.network, { described });
      return pipeline.process(job);
    };
    await process(sweep);
    // An older version recorded no description: what it decided stands.
    expect(await process(sweep, 'one')).toMatchObject({ why: 'already_decided' });
    await request(line);
    expect(await process(sweep, 'one')).toMatchObject({ kind: 'decided' });
    expect(await process(sweep, 'one')).toMatchObject({ why: 'already_decided' });
    expect(await process(jobOf(line.instance), 'two')).toMatchObject({ why: 'already_decided' });
    expect(await process(sweep, 'two')).toMatchObject({ kind: 'decided' });
  });

  test('by the same file in another precision is decided anew by a sweep, and by nothing else; the record names the precision', async () => {
    const line = site.store(image());
    const sweep: Job = { ...jobOf(line.instance), reason: 'sweep' };
    const process = (job: Job, precision?: 'int8') => {
      const { pipeline, classifier } = pipelineOn(site);
      Object.assign(classifier.network, { precision });
      return pipeline.process(job);
    };
    await process(sweep);
    expect(site.record(line.instance)?.network).not.toHaveProperty('precision');
    expect(await process(jobOf(line.instance), 'int8')).toMatchObject({ why: 'already_decided' });
    expect(await process(sweep, 'int8')).toMatchObject({ kind: 'decided' });
    expect(site.record(line.instance)?.network.precision).toBe('int8');
    expect(await process(sweep, 'int8')).toMatchObject({ why: 'already_decided' });
    expect(await process(sweep)).toMatchObject({ kind: 'decided' });
  });

  test('by another network is decided anew by a sweep, though it is not unfinished', async () => {
    const { instance: id } = await decided();
    const other = pipelineOn(site, { sha256: 'b'.repeat(64) });
    expect(other.pipeline.isUnfinished(await other.orthanc.hierarchy.instance(id))).toBe(false);
    other.classifier.answer = async () => ({ category: 'ankle_ap', score: 0.99 });
    const sweep: Job = { ...jobOf(id), reason: 'sweep' };
    expect(await other.pipeline.process(sweep)).toMatchObject({ kind: 'decided', category: 'ankle_ap' });
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

describe('a shadow network', () => {
  const network = { ...stubClassifier('c'.repeat(64)).network, name: 'second' };
  const shadowOn = (answer: { category: string; score: number }) => ({
    network,
    scores: scoresOf(answer),
    seconds: 0,
  });
  const of = expect.stringMatching(/^20/);
  const id = { name: 'second', sha256: 'c'.repeat(64) };

  test.each([
    ['agrees', { category: 'knee_lateral', score: 0.95 }, { decision: 'category', category: 'knee_lateral' }],
    ['differs', { category: 'ankle_ap', score: 0.95 }, { decision: 'category', category: 'ankle_ap' }],
    ['differs', { category: 'knee_lateral', score: 0.6 }, { decision: 'needs_review' }],
    ['differs', { category: 'other', score: 0.99 }, { decision: 'unknown_view' }],
  ])('that %s (%j) changes nothing but the record', async (outcome, answer, would) => {
    const line = site.store(image());
    const { pipeline, classifier, metrics } = pipelineOn(site);
    classifier.second = shadowOn(answer);
    await pipeline.process(jobOf(line.instance));
    const writes = site.writes();
    const { shadow, when, ...record } = site.record(line.instance) ?? {};
    expect(shadow).toEqual({ network: id, ...would, top: expect.any(Array), of: when });
    expect(shadow?.top[0]).toEqual({ ...answer, score: expect.closeTo(answer.score) });
    expect(await metrics.registry.metrics()).toContain(`plainview_shadow_total{outcome="${outcome}"} 1`);

    const alone = site.store(image());
    site.fake.calls.length = 0;
    await pipelineOn(site).pipeline.process(jobOf(alone.instance));
    const same = (text: string) =>
      text
        .replace(alone.instance, line.instance)
        .replace(alone.study, line.study)
        .replace(alone.series, line.series);
    expect(site.writes().map(same)).toEqual(writes);
    const { when: _, ms: __, ...expected } = site.record(alone.instance) ?? {};
    expect({ ...record, ms: undefined }).toMatchObject({ ...expected, exposure: expect.anything() });
  });

  test('that fails is recorded as such and counted, and the decision stands', async () => {
    const { instance } = site.store(image());
    const { pipeline, classifier, metrics } = pipelineOn(site);
    classifier.second = { network, error: { code: 'shadow_slow', message: 'slow', cause: undefined } };
    expect(await pipeline.process(jobOf(instance))).toMatchObject({ category: 'knee_lateral' });
    const failure = { code: 'shadow_slow', message: 'slow' };
    expect(site.record(instance)?.shadow).toEqual({ network: id, decision: 'failed', failure, top: [], of });
    expect(await metrics.registry.metrics()).toContain('plainview_shadow_total{outcome="failed"} 1');
  });

  test("is kept with a person's decision, and stands beside the network's again after its undo", async () => {
    const { instance } = site.store(image());
    const { pipeline, classifier, recorder } = pipelineOn(site);
    classifier.second = shadowOn({ category: 'ankle_ap', score: 0.95 });
    await pipeline.process(jobOf(instance));
    const record = () => site.record(instance) as InstanceRecord;
    const said = record().shadow;
    for (const category of ['hand_ap', 'ankle_ap'])
      await recorder.replace(instance, (current) =>
        correctedTo(current, category, { who: 'eve', when: new Date().toISOString() }),
      );
    expect(shadowOf(record())).toEqual(said);
    await recorder.replace(instance, undone);
    expect(record().shadow).toEqual(said);
  });

  test('whose answer an older version has kept is left out of a decision that it did not belong to', async () => {
    const { instance } = site.store(image());
    const { pipeline, classifier } = pipelineOn(site);
    classifier.second = shadowOn({ category: 'ankle_ap', score: 0.95 });
    await pipeline.process(jobOf(instance));
    const record = site.record(instance) as InstanceRecord;
    expect(shadowOf({ ...record, when: '2030-01-01T00:00:00.000Z' })).toBeUndefined();
    // An older version does not know the field, so it keeps it beside a person's decision, and not in `before`.
    const { shadow: _, ...before } = record;
    const byOlder = { ...record, who: 'person', when: '2030-01-01T00:00:00.000Z', before };
    expect(shadowOf(instanceRecord.parse(byOlder))).toEqual(record.shadow);
  });

  test('whose answer cannot be read does not make the decision unreadable', async () => {
    const { instance } = await decided();
    const damaged = { ...site.record(instance), shadow: { decision: 7 } };
    expect(instanceRecord.parse(damaged)).toMatchObject({ category: 'knee_lateral', shadow: undefined });
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
      expect(site.fake.labels(id)).toEqual(['hand_ap', 'settled_by_person']);
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
