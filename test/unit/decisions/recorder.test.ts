import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { undone } from '../../../src/decisions/correction.js';
import type { NewDecision } from '../../../src/decisions/schema.js';
import type { InstanceId } from '../../../src/orthanc/ids.js';
import { image, uid } from '../../../testkit/dicom.js';
import { byPerson, decidedAs, type Line, useFakeSite } from '../../../testkit/fake-site.js';

const site = useFakeSite();

/** Records a decision as the pipeline does. */
async function decide({ instance }: Line, decided: NewDecision) {
  const { recorder, orthanc } = site.process();
  const described = await orthanc.hierarchy.describe(instance);
  const now = await orthanc.hierarchy.instance(instance);
  return recorder.record(described, now, decided);
}

/** What a sweep does with an instance that is decided. */
async function sweep({ instance, study }: Line): Promise<void> {
  const { recorder, orthanc, aggregates } = site.process();
  if (!recorder.isLabelled(await orthanc.hierarchy.instance(instance))) await recorder.relabel(instance);
  const tree = await orthanc.hierarchy.tree(study);
  if (tree !== undefined && !aggregates.isUpToDate(tree)) await aggregates.update(study);
}

/** The labels of a decision on all levels; of a person's, also the one that says so. */
function expectLabels({ instance, series, study }: Line, given: string[], foreign: string[] = []): void {
  const labels = [...given, ...(site.record(instance)?.who === 'person' ? ['settled_by_person'] : [])];
  const all = [...labels, ...foreign].sort();
  for (const id of [instance, series, study]) expect(site.fake.labels(id)).toEqual(all);
  expect(site.record(instance)?.labels).toEqual(labels);
  for (const id of [series, study]) expect(site.group(id)?.labels).toEqual(labels);
}
const levelsOf = ({ instance, series, study }: Line) => [
  `instances/${instance}`,
  `series/${series}`,
  `studies/${study}`,
];

const first = [
  'PUT /instances/…/metadata/Radiograph',
  'PUT /instances/…/labels/knee_ap',
  'PUT /series/…/metadata/Radiograph',
  'PUT /series/…/labels/knee_ap',
  'PUT /studies/…/metadata/Radiograph',
  'PUT /studies/…/labels/knee_ap',
  'PUT /instances/…/metadata/RadiographCategory',
];
const replaced = (level: string) => [
  `PUT /${level}/…/metadata/Radiograph`,
  `PUT /${level}/…/labels/hand_ap`,
  `DELETE /${level}/…/labels/knee_ap`,
  `PUT /${level}/…/metadata/Radiograph`,
];
const second = [
  'PUT /instances/…/metadata/Radiograph',
  'DELETE /instances/…/metadata/RadiographCategory',
  ...['instances', 'series', 'studies'].flatMap(replaced).slice(1),
  'PUT /instances/…/metadata/RadiographCategory',
];

describe('the order of writes', () => {
  test('of a first decision: each record before its labels, the category last, eleven calls in all', async () => {
    const stored = site.store(image());
    expect(await decide(stored, decidedAs('knee_ap'))).toBe('recorded');
    expect(site.writes()).toEqual(first);
    // Describing, reading before and after, seven writes; and the pipeline renders.
    expect(site.fake.calls).toHaveLength(11);
    expectLabels(stored, ['knee_ap']);
    expect(site.category(stored.instance)).toBe('knee_ap');
  });

  test('of another decision: no category meanwhile, and the former label is ours until it is gone', async () => {
    const stored = site.store(image());
    await decide(stored, decidedAs('knee_ap'));
    site.fake.calls.length = 0;
    await decide(stored, decidedAs('hand_ap'));
    expect(site.writes()).toEqual(second);
    expectLabels(stored, ['hand_ap']);
    expect(site.category(stored.instance)).toBe('hand_ap');
  });
});

describe('a crash', () => {
  const again = ['knee_ap', 'hand_ap'];
  test.each(first.flatMap((_, writes) => again.map((category) => ({ writes, category }))))(
    'after $writes writes of a first decision is mended by a second one, $category',
    async ({ writes, category }) => {
      const stored = site.store(image());
      for (const level of levelsOf(stored)) await site.put(`${level}/labels/theirs`);
      expect(await site.dying(writes, () => decide(stored, decidedAs('knee_ap')))).toBe(true);
      expect(site.category(stored.instance)).toBeUndefined();
      expect(await decide(stored, decidedAs(category))).toBe('recorded');
      await sweep(stored);
      expectLabels(stored, [category], ['theirs']);
      expect(site.category(stored.instance)).toBe(category);
    },
  );

  test.each(
    second.flatMap((_, writes) => ['knee_ap', 'chest_lateral'].map((category) => ({ writes, category }))),
  )(
    'after $writes writes of a second decision is mended by a third one, $category',
    async ({ writes, category }) => {
      const stored = site.store(image());
      for (const level of levelsOf(stored)) await site.put(`${level}/labels/theirs`);
      await decide(stored, decidedAs('knee_ap'));
      expect(await site.dying(writes, () => decide(stored, decidedAs('hand_ap')))).toBe(true);
      if (writes > 1) expect(site.category(stored.instance)).toBeUndefined();
      await decide(stored, decidedAs(category));
      await sweep(stored);
      expectLabels(stored, [category], ['theirs']);
      expect(site.category(stored.instance)).toBe(category);
    },
  );

  test.each(second.map((_, writes) => writes))(
    'after %i writes of a correction is mended by finishing it',
    async (writes) => {
      const stored = site.store(image());
      const { instance } = stored;
      await decide(stored, decidedAs('knee_ap'));
      const correct = () => site.process().recorder.replace(instance, byPerson);
      expect(await site.dying(writes, correct)).toBe(true);
      const isRecorded = site.record(instance)?.who === 'person';
      expect(isRecorded).toBe(writes > 0);
      await site.process().recorder.finish(instance);
      const category = isRecorded ? 'hand_ap' : 'knee_ap';
      await sweep(stored);
      expectLabels(stored, [category]);
      expect(site.category(instance)).toBe(category);
      expect(site.record(instance)?.before?.category).toBe(isRecorded ? 'knee_ap' : undefined);
    },
  );
});

test('a forgetting that is cut off leaves no picture that is found by its pixels', async () => {
  const { instance } = site.store(image());
  const corrections = site.corrections();
  const decision = byPerson(decidedAs('knee_ap') as never);
  const keys = { sopInstanceUid: '1.2', traits: 'traits', pixels: 'pixels' };
  await corrections.keep(instance, { ...keys, decision });
  // The index cannot be changed, as if the service ended before it.
  const uids = join(site.stateDir, 'corrections', 'uids');
  for (const name of readdirSync(uids, { recursive: true, encoding: 'utf8' }))
    if (name.endsWith('.json')) writeFileSync(join(uids, name), 'damaged');
  await expect(corrections.drop(instance, { when: decision.when })).rejects.toMatchObject({
    code: 'state_damaged',
  });
  expect(await site.corrections().ofPixels('pixels')).toBeUndefined();
});

test('many corrections at once, of pictures with the same attributes, are all kept, and all undone', async () => {
  const { recorder } = site.process();
  const all = Array.from({ length: 10 }, () => site.store(image()));
  for (const stored of all) await decide(stored, decidedAs('knee_ap'));
  await Promise.all(all.map(({ instance }) => recorder.replace(instance, byPerson)));
  for (const { instance } of all) expect(await site.corrections().ofInstance(instance)).toHaveLength(1);
  await Promise.all(all.map(({ instance }) => recorder.replace(instance, undone)));
  for (const { instance } of all) expect(await site.corrections().ofInstance(instance)).toEqual([]);
});

describe('an undo that is cut off', () => {
  test.each(second.map((_, writes) => writes))(
    'after %i writes: the person’s decision is kept where Orthanc has it, and nowhere else',
    async (writes) => {
      const stored = site.store(image());
      const { instance } = stored;
      await decide(stored, decidedAs('knee_ap'));
      await site.process().recorder.replace(instance, byPerson);
      expect(await site.dying(writes, () => site.process().recorder.replace(instance, undone))).toBe(true);
      await site.process().recorder.settle(instance);
      expect(await site.corrections().listBegun()).toEqual([]);
      const isPersons = site.record(instance)?.who === 'person';
      expect(isPersons).toBe(writes < 1);
      expect(await site.corrections().ofInstance(instance)).toHaveLength(isPersons ? 1 : 0);
    },
  );

  test('is settled by the next decision too', async () => {
    const stored = site.store(image());
    const { instance } = stored;
    await decide(stored, decidedAs('knee_ap'));
    await site.process().recorder.replace(instance, byPerson);
    await site.dying(3, () => site.process().recorder.replace(instance, undone));
    expect(await site.corrections().listBegun()).toEqual([instance]);
    expect(await decide(stored, decidedAs('chest_lateral'))).toBe('recorded');
    expect(await site.corrections().listBegun()).toEqual([]);
    expect(await site.corrections().ofInstance(instance)).toEqual([]);
  });
});

describe('a label that somebody else put there', () => {
  test('stays, also where the decision asks for the same, and where it is asked for no more', async () => {
    const stored = site.store(image());
    for (const level of levelsOf(stored)) await site.put(`${level}/labels/knee_ap`);
    await decide(stored, decidedAs('knee_ap'));
    expectLabels(stored, [], ['knee_ap']);
    await decide(stored, decidedAs('hand_ap'));
    for (const id of [stored.instance, stored.series])
      expect(site.fake.labels(id)).toEqual(['hand_ap', 'knee_ap']);
    expect(site.fake.labels(stored.study)).toEqual(['category_proposed', 'hand_ap', 'knee_ap']);
  });

  test('and ours that somebody removed: it is put there again', async () => {
    const stored = site.store(image());
    await decide(stored, decidedAs('knee_ap'));
    const { recorder, orthanc } = site.process();
    expect(recorder.isLabelled(await orthanc.hierarchy.instance(stored.instance))).toBe(true);
    await site.remove(`instances/${stored.instance}/labels/knee_ap`);
    expect(recorder.isLabelled(await orthanc.hierarchy.instance(stored.instance))).toBe(false);
    await recorder.relabel(stored.instance);
    expectLabels(stored, ['knee_ap']);
    expect(recorder.isLabelled(await orthanc.hierarchy.instance(stored.instance))).toBe(true);
  });

  test('a site that chooses a prefix gets its own labels in place of those without', async () => {
    const stored = site.store(image());
    await decide(stored, decidedAs('knee_ap'));
    await site.process({ PLAINVIEW_LABEL_PREFIX: 'pv_' }).recorder.relabel(stored.instance);
    expectLabels(stored, ['pv_knee_ap']);
  });
});

test('what is decided of a deleted instance counts no more, once the study is added up', async () => {
  const ids = { studyInstanceUid: uid('a study'), seriesInstanceUid: uid('a series') };
  const [knee, hand] = [site.store(image(ids)), site.store(image(ids))];
  await decide(knee, decidedAs('knee_ap'));
  await decide(hand, decidedAs('hand_ap'));
  const { aggregates, orthanc } = site.process();
  const isUpToDate = async () => {
    const [tree] = await orthanc.hierarchy.trees([knee.study]);
    return tree && aggregates.isUpToDate(tree);
  };
  expect(await isUpToDate()).toBe(true);
  await site.remove(`instances/${hand.instance}`);
  expect(await isUpToDate()).toBe(false);
  await aggregates.aggregate(knee.study);
  expect(await isUpToDate()).toBe(true);
  expectLabels(knee, ['knee_ap']);
  await site.remove(`instances/${knee.instance}`);
  await aggregates.aggregate(knee.study);
});

test('of two decisions by people the later one is kept, also where the clock was set back between them', async () => {
  const stored = site.store(image());
  await decide(stored, decidedAs('knee_ap'));
  const by = (category: string, when: string) => (current: Parameters<typeof byPerson>[0]) => ({
    ...byPerson(current),
    category,
    when,
  });
  const { recorder } = site.process();
  await recorder.replace(stored.instance, by('hand_ap', '2024-03-01T12:00:00.000Z'));
  await recorder.replace(stored.instance, by('foot_ap', '2024-03-01T10:05:00.000Z'));
  const kept = await site.corrections().ofInstance(stored.instance);
  expect(kept.map(({ decision }) => decision.category)).toEqual(['foot_ap']);
});

describe('a correction that was begun and is damaged', () => {
  const damage = (instance: InstanceId, content: string) => {
    const begun = join(site.stateDir, 'corrections', 'begun');
    mkdirSync(begun, { recursive: true });
    writeFileSync(join(begun, `${instance}.json`), content);
  };
  const kept = async (instance: InstanceId) =>
    (await site.corrections().ofInstance(instance)).map(({ decision }) => decision.category);

  test.each(['', '\0\0', '{"version":1}'])('(%j) is set aside, and blocks nobody', async (content) => {
    const stored = site.store(image());
    await decide(stored, decidedAs('knee_ap'));
    damage(stored.instance, content);
    await site.process().recorder.replace(stored.instance, byPerson);
    expect(site.record(stored.instance)).toMatchObject({ who: 'person', category: 'hand_ap' });
    expect(await kept(stored.instance)).toEqual(['hand_ap']);
    expect(readdirSync(join(site.stateDir, 'corrections', 'begun'))).toEqual([
      `${stored.instance}.json.damaged`,
    ]);
  });

  test('stands where Orthanc has it', async () => {
    const stored = site.store(image());
    await decide(stored, decidedAs('knee_ap'));
    await site.process().recorder.replace(stored.instance, byPerson);
    rmSync(join(site.stateDir, 'corrections'), { recursive: true });
    damage(stored.instance, '');
    await site.process().recorder.settle(stored.instance);
    expect(await kept(stored.instance)).toEqual(['hand_ap']);
    expect(await site.corrections().listBegun()).toEqual([]);
  });

  test('ends the one that it took back, where Orthanc has that', async () => {
    const stored = site.store(image());
    await decide(stored, decidedAs('knee_ap'));
    await site.process().recorder.replace(stored.instance, byPerson);
    const before = mkdtempSync(join(tmpdir(), 'plainview-kept-'));
    cpSync(join(site.stateDir, 'corrections'), before, { recursive: true });
    await site.process().recorder.replace(stored.instance, undone);
    cpSync(before, join(site.stateDir, 'corrections'), { recursive: true });
    rmSync(before, { recursive: true });
    expect(await kept(stored.instance)).toEqual(['hand_ap']);
    damage(stored.instance, '');
    await site.process().recorder.settle(stored.instance);
    expect(await kept(stored.instance)).toEqual([]);
  });

  test('leaves another instance’s correction of the same picture as it is', async () => {
    const [theirs, ours] = [site.store(image()), site.store(image())];
    for (const stored of [theirs, ours]) await decide(stored, decidedAs('knee_ap'));
    await site.process().recorder.replace(theirs.instance, byPerson);
    damage(ours.instance, '');
    await site.process().recorder.settle(ours.instance);
    expect(await kept(theirs.instance)).toEqual(['hand_ap']);
  });
});
