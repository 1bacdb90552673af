import { describe, expect, test } from 'vitest';
import { createError } from '../../../src/errors/errors.js';
import { image } from '../../../testkit/dicom.js';
import { byPerson, useFakeSite } from '../../../testkit/fake-site.js';
import { failure, jobOf, NotingFollowUp, pipelineOn } from './support.js';

const site = useFakeSite();

/** Three follow-ups, and a pipeline that has them. */
function followed() {
  const followUps = ['tags', 'report', 'routes'].map((name) => new NotingFollowUp(name));
  const [tags, report, routes] = followUps;
  if (tags === undefined || report === undefined || routes === undefined) throw new Error('three');
  return { tags, report, routes, ...pipelineOn(site, { followUps }) };
}

const permanent = createError('tags_not_written', { why: 'the file is signed digitally' });
const transient = createError('orthanc_failed', { what: 'POST /instances', status: 500 });

describe('what follows a decision', () => {
  test('runs when it is due, once for each decision', async () => {
    const { instance: id } = site.store(image());
    const { pipeline, tags, report, routes } = followed();
    report.due = false;
    await pipeline.process(jobOf(id));
    expect([tags.ran, report.ran, routes.ran]).toEqual([[id], [], [id]]);
    await pipeline.process(jobOf(id));
    expect(tags.ran).toEqual([id]);
  });

  test('runs for a decision that was there before it was switched on, without another look', async () => {
    const { instance: id } = site.store(image());
    await pipelineOn(site).pipeline.process(jobOf(id));
    const { pipeline, classifier, orthanc, tags } = followed();
    expect(await pipeline.whySettled(await orthanc.hierarchy.instance(id), 'hook')).toBeUndefined();
    expect(await pipeline.process(jobOf(id))).toEqual({ kind: 'skipped', why: 'already_decided' });
    expect(tags.ran).toEqual([id]);
    expect(classifier.pictures).toEqual([]);
    expect(await pipeline.whySettled(await orthanc.hierarchy.instance(id), 'hook')).toBe('already_decided');
  });

  test('runs for a recorded failure', async () => {
    const { instance: id } = site.store(image());
    const { pipeline, tags } = followed();
    await pipeline.recordFailure(jobOf(id), failure);
    expect(tags.ran).toEqual([id]);
  });

  test('runs for a correction that was put back, and for one that was half written', async () => {
    const file = image();
    const { instance: id } = site.store(file);
    await pipelineOn(site).pipeline.process(jobOf(id));
    expect(await site.dying(3, () => site.process().recorder.replace(id, byPerson))).toBe(true);
    const half = followed();
    await half.pipeline.process(jobOf(id));
    expect(half.tags.ran).toEqual([id]);
    await site.remove(`instances/${id}`);
    site.store(file);
    const lost = followed();
    expect(await lost.pipeline.process(jobOf(id))).toEqual({
      kind: 'skipped',
      why: 'correction_put_back',
    });
    expect(lost.tags.ran).toEqual([id]);
  });

  test('does not run for what is no radiograph', async () => {
    const { instance: id } = site.store(image({ modality: 'CT' }));
    const { pipeline, tags } = followed();
    await pipeline.process(jobOf(id));
    expect(tags.ran).toEqual([]);
  });
});

describe('one that fails', () => {
  test('does not stop the others, and the decision stands', async () => {
    const { instance: id } = site.store(image());
    const { pipeline, tags, report, routes } = followed();
    tags.failure = permanent;
    await expect(pipeline.process(jobOf(id))).rejects.toBe(permanent);
    expect([report.ran, routes.ran]).toEqual([[id], [id]]);
    expect(site.category(id)).toBe('knee_lateral');
  });

  test('is thrown after a transient one, which is tried again before anything is given up', async () => {
    const { instance: id } = site.store(image());
    const { pipeline, tags, report, routes } = followed();
    tags.failure = permanent;
    report.failure = transient;
    await expect(pipeline.process(jobOf(id))).rejects.toBe(transient);
    expect(routes.ran).toEqual([id]);
    report.failure = undefined;
    // The next try is for what is still due.
    await expect(pipeline.process(jobOf(id))).rejects.toBe(permanent);
    expect([tags.ran, report.ran, routes.ran]).toEqual([[id, id], [id, id], [id]]);
  });

  test('is given up with the reason, alone, and the decision stands', async () => {
    const { instance: id } = site.store(image());
    const { pipeline, tags, report } = followed();
    tags.failure = permanent;
    await expect(pipeline.process(jobOf(id))).rejects.toBe(permanent);
    const { code, message } = permanent;
    expect(await pipeline.recordFailure(jobOf(id), { code, message })).toEqual({
      kind: 'skipped',
      why: 'already_decided',
    });
    expect(tags.givenUp).toEqual([{ code, message }]);
    expect(report.givenUp).toEqual([]);
    expect(site.record(id)?.decision).toBe('category');
    await pipeline.process(jobOf(id));
    expect(tags.ran).toEqual([id]);
  });

  test("is given up for a person's decision too", async () => {
    const { instance: id } = site.store(image());
    await pipelineOn(site).pipeline.process(jobOf(id));
    await site.process().recorder.replace(id, byPerson);
    const { pipeline, tags } = followed();
    expect(await pipeline.recordFailure(jobOf(id), failure)).toEqual({
      kind: 'skipped',
      why: 'corrected_by_person',
    });
    expect(tags.givenUp).toEqual([failure]);
    expect(site.record(id)?.who).toBe('person');
  });
});
