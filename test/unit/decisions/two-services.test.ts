import { describe, expect, test } from 'vitest';
import type { InstanceRecord, NewDecision } from '../../../src/decisions/schema.js';
import { pictureOf } from '../../../src/decisions/tags-record.js';
import { image, uid } from '../../../testkit/dicom.js';
import { byPerson, decidedAs, type Line, useFakeSite } from '../../../testkit/fake-site.js';

const site = useFakeSite();

/** Records as a job does that is tried again after a conflict. */
async function decide({ instance }: Line, decided: NewDecision, { orthanc, recorder } = site.process()) {
  for (let attempt = 0; attempt < 4; attempt++) {
    const described = await orthanc.hierarchy.describe(instance);
    const before = attempt === 0 ? undefined : await orthanc.hierarchy.instance(instance);
    const picture = before === undefined ? ((await orthanc.files.uuid(instance)) ?? '') : pictureOf(before);
    const outcome = await recorder
      .record(described, picture, before, decided)
      .catch((error: unknown) => error);
    if (outcome === 'recorded') return;
    if (outcome !== 'not new') expect(outcome).toMatchObject({ code: 'orthanc_conflict', transient: true });
  }
  throw new Error('the conflict does not end');
}

function expectGroups({ series, study }: Line, categories: Record<string, number>): void {
  const labels = Object.keys(categories);
  for (const id of [series, study]) {
    expect(site.fake.labels(id)).toEqual(labels);
    expect(site.group(id)).toMatchObject({ labels, categories });
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, call) => call);
const ids = { studyInstanceUid: uid('shared study'), seriesInstanceUid: uid('shared series') };

describe('another service decides another instance: series and study name both, and own both labels', () => {
  // The three readings of a study are under way at the same time: 12 calls.
  test.each(upTo(12))('before call %i of a first decision', async (call) => {
    const [mine, theirs] = [site.store(image(ids)), site.store(image(ids))];
    const [process, other] = [site.process(), site.process()];
    site.interrupt(call, () => decide(theirs, decidedAs('hand_ap'), other));
    await decide(mine, decidedAs('knee_ap'), process);
    expectGroups(mine, { hand_ap: 1, knee_ap: 1 });
  });

  test.each(upTo(9))('which comes before call %i of a first decision', async (call) => {
    const mine = site.store(image(ids));
    const [process, other] = [site.process(), site.process()];
    site.interrupt(call, () => decide(site.store(image(ids)), decidedAs('hand_ap'), other));
    await decide(mine, decidedAs('knee_ap'), process);
    expectGroups(mine, { hand_ap: 1, knee_ap: 1 });
  });

  test.each(upTo(22))('before call %i of a decision that takes back the same label', async (call) => {
    const [mine, theirs] = [site.store(image(ids)), site.store(image(ids))];
    const [process, other] = [site.process(), site.process()];
    await decide(mine, decidedAs('knee_ap'), process);
    site.interrupt(call, () => decide(theirs, decidedAs('knee_ap'), other));
    await decide(mine, decidedAs('hand_ap'), process);
    expectGroups(mine, { hand_ap: 1, knee_ap: 1 });
  });
});

describe('another service decides the same instance', () => {
  const network = { name: 'other', sha256: 'b'.repeat(64) };

  test.each(upTo(9))('alike, before call %i of ours: one label, owned once', async (call) => {
    const mine = site.store(image());
    const [process, other] = [site.process(), site.process()];
    site.interrupt(call, () => decide(mine, decidedAs('knee_ap', { network }), other));
    await decide(mine, decidedAs('knee_ap'), process);
    expect(site.fake.labels(mine.instance)).toEqual(['knee_ap']);
    expect(site.record(mine.instance)?.labels).toEqual(['knee_ap']);
    expectGroups(mine, { knee_ap: 1 });
  });

  // Call 3 is our write of the record: it must not take the place of one that was not read.
  test.each([0, 1, 2, 3])('differently, before call %i of ours: none of its labels is left', async (call) => {
    const mine = site.store(image());
    const [process, other] = [site.process(), site.process()];
    site.interrupt(call, () => decide(mine, decidedAs('hand_ap', { network }), other));
    await decide(mine, decidedAs('knee_ap'), process);
    expect(site.fake.labels(mine.instance)).toEqual(['knee_ap']);
    expect(site.record(mine.instance)?.labels).toEqual(['knee_ap']);
    expect(site.category(mine.instance)).toBe('knee_ap');
    expectGroups(mine, { knee_ap: 1 });
  });

  test.each([4, 5, 6, 7, 8, 9])(
    'differently, before call %i of ours, which is too late for us: its decision stands, and no label of ours',
    async (call) => {
      const mine = site.store(image());
      const [process, other] = [site.process(), site.process()];
      site.interrupt(call, () => decide(mine, decidedAs('hand_ap', { network }), other));
      await decide(mine, decidedAs('knee_ap'), process);
      expect(site.record(mine.instance)).toMatchObject({ category: 'hand_ap', network });
      expect(site.fake.labels(mine.instance)).toEqual(['hand_ap']);
      expect(site.category(mine.instance)).toBe('hand_ap');
      expectGroups(mine, { hand_ap: 1 });
    },
  );
});

describe('a person corrects, by another service, what ours is still correcting', () => {
  const saying =
    (category: string, when: string) =>
    (current: InstanceRecord): NewDecision => ({ ...byPerson(current), category, when });

  test.each(upTo(28))('before call %i of ours: no label of ours is left', async (call) => {
    const mine = site.store(image());
    const [process, other] = [site.process(), site.process()];
    await decide(mine, decidedAs('knee_ap'), process);
    let isMet = false;
    site.interrupt(call, async () => {
      isMet = true;
      await other.recorder.replace(mine.instance, saying('wrist_ap', '2024-04-02T00:00:00.000Z'));
    });
    await process.recorder.replace(mine.instance, saying('ankle_ap', '2024-04-01T00:00:00.000Z'));
    expect(isMet).toBe(true);
    const { category = '' } = site.record(mine.instance) ?? {};
    for (const id of [mine.instance, mine.series, mine.study])
      expect(site.fake.labels(id)).toEqual([category]);
    expect(site.category(mine.instance)).toBe(category);
    // A later pass forgets labels that the other service could not know to be removed.
    await other.aggregates.update(mine.study);
    expectGroups(mine, { [category]: 1 });
    if (!other.recorder.isLabelled(await other.orthanc.hierarchy.instance(mine.instance)))
      await other.recorder.relabel(mine.instance);
    expect(site.record(mine.instance)?.labels).toEqual([category]);
  });
});
