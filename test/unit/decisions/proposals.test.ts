import { describe, expect, test } from 'vitest';
import { Aggregates } from '../../../src/decisions/aggregates.js';
import { corrected, undone } from '../../../src/decisions/correction.js';
import type { NewDecision } from '../../../src/decisions/schema.js';
import { type StudyId, studyId } from '../../../src/orthanc/ids.js';
import { Entries } from '../../../src/worklist/entries.js';
import { Worklist, worklistQuery } from '../../../src/worklist/worklist.js';
import { image, uid } from '../../../testkit/dicom.js';
import { decidedAs, type Line, names, useFakeSite } from '../../../testkit/fake-site.js';

const site = useFakeSite();
const alice = { who: 'alice', when: '2024-03-01T00:00:00.000Z' };

async function decide({ instance }: Line, decided: NewDecision) {
  const { recorder, orthanc } = site.process();
  const now = await orthanc.hierarchy.instance(instance);
  await recorder.record(await orthanc.hierarchy.describe(instance), now, decided);
}

/** A picture that the network has decided. */
async function stored(category: string, study = uid('a study'), series = uid(`${category} of ${study}`)) {
  const line = site.store(image({ studyInstanceUid: study, seriesInstanceUid: series }));
  await decide(line, decidedAs(category));
  return line;
}

/** What a sweep does with a study. */
async function sweep({ study }: Line, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const { orthanc, aggregates } = site.process(env);
  const tree = await orthanc.hierarchy.tree(study);
  if (tree !== undefined && !aggregates.isUpToDate(tree)) await aggregates.update(study);
}

const setByHand = (resource: string, label = 'knee_ap') => site.put(`${resource}/labels/${label}`);
const studyLabels = ({ study }: Line) => site.fake.labels(study);

async function listed(query: object = {}) {
  const { orthanc } = site.process();
  const list = new Worklist(orthanc, new Entries(orthanc, names), '');
  return list.page(worklistQuery.parse({ state: 'category_proposed', ...query }));
}
const asked = async (query: object = {}) =>
  (await listed(query)).items.map(({ instance, proposed }) => ({ instance, proposed }));

const shown = async ({ instance }: Line) => {
  const { orthanc } = site.process();
  return (await new Entries(orthanc, names).one(instance)).proposed;
};

describe('the label of a category that somebody sets on a study', () => {
  test('is a proposal: a sweep lists the study, the label stays, and the decision too', async () => {
    const chest = await stored('chest_pa_ap');
    await setByHand(`studies/${chest.study}`);
    // Whoever opens the picture sees it before any sweep.
    expect(await shown(chest)).toEqual(['knee_ap']);
    const [ofStudy] = await new Entries(site.process().orthanc, names).ofStudy(chest.study);
    expect(ofStudy?.proposed).toEqual(['knee_ap']);
    expect(await asked()).toEqual([]);
    await sweep(chest);
    expect(studyLabels(chest)).toEqual(['category_proposed', 'chest_pa_ap', 'knee_ap']);
    expect(site.fake.labels(chest.instance)).toEqual(['chest_pa_ap']);
    expect(await asked()).toEqual([{ instance: chest.instance, proposed: ['knee_ap'] }]);
    expect((await listed()).total).toBe(1);
    const writes = site.writes();
    await sweep(chest);
    expect(site.writes()).toEqual(writes);
  });

  test('is noticed with the next decision of the study, also one of the network, which leaves it', async () => {
    const chest = await stored('chest_pa_ap');
    await setByHand(`studies/${chest.study}`);
    await decide(chest, decidedAs('hand_ap', { when: '2024-02-02T00:00:00.000Z' }));
    expect(studyLabels(chest)).toEqual(['category_proposed', 'hand_ap', 'knee_ap']);
  });

  test('is noticed on a study that is not decided yet', async () => {
    const line = site.store(image());
    await setByHand(`studies/${line.study}`);
    await decide(line, decidedAs('chest_pa_ap'));
    expect(await asked()).toEqual([{ instance: line.instance, proposed: ['knee_ap'] }]);
  });

  test('is none where another picture of the study has that category, until it has it no more', async () => {
    const chest = await stored('chest_pa_ap');
    await setByHand(`studies/${chest.study}`);
    const knee = await stored('knee_ap');
    expect(studyLabels(chest)).toEqual(['chest_pa_ap', 'knee_ap']);
    expect(await shown(chest)).toEqual([]);
    await decide(knee, decidedAs('hand_ap', { when: '2024-02-02T00:00:00.000Z' }));
    expect(studyLabels(chest)).toEqual(['category_proposed', 'chest_pa_ap', 'hand_ap', 'knee_ap']);
  });

  test('is none with another prefix, and with the site’s it is', async () => {
    const env = { PLAINVIEW_LABEL_PREFIX: 'pv_' };
    const chest = await stored('chest_pa_ap');
    await setByHand(`studies/${chest.study}`, 'other_knee_ap');
    await sweep(chest);
    expect(studyLabels(chest)).toEqual(['chest_pa_ap', 'other_knee_ap']);
    // What the former prefix left there is ours, and is renamed.
    await sweep(chest, env);
    expect(studyLabels(chest)).toEqual(['other_knee_ap', 'pv_chest_pa_ap']);
    await setByHand(`studies/${chest.study}`, 'pv_knee_ap');
    await sweep(chest, env);
    expect(studyLabels(chest)).toEqual([
      'other_knee_ap',
      'pv_category_proposed',
      'pv_chest_pa_ap',
      'pv_knee_ap',
    ]);
  });

  test('is proposed no more once somebody removes it', async () => {
    const chest = await stored('chest_pa_ap');
    await setByHand(`studies/${chest.study}`);
    await sweep(chest);
    await site.remove(`studies/${chest.study}/labels/knee_ap`);
    expect(await asked()).toEqual([]);
    await sweep(chest);
    expect(studyLabels(chest)).toEqual(['chest_pa_ap']);
  });

  test('that is taken is answered; an undo asks again, and the label is never ours', async () => {
    const chest = await stored('chest_pa_ap');
    await setByHand(`studies/${chest.study}`);
    await sweep(chest);
    const { recorder } = site.process();
    await recorder.replace(chest.instance, (current) => corrected(current, 'knee_ap', alice));
    expect(studyLabels(chest)).toEqual(['knee_ap', 'settled_by_person']);
    expect(site.group(chest.study)?.labels).toEqual(['settled_by_person']);
    expect(await shown(chest)).toEqual([]);
    await recorder.replace(chest.instance, undone);
    expect(studyLabels(chest)).toEqual(['category_proposed', 'chest_pa_ap', 'knee_ap']);
  });
});

describe('a dismissed proposal', () => {
  test('is not asked again, and the label stays; what else is proposed stays too', async () => {
    const chest = await stored('chest_pa_ap');
    for (const label of ['knee_ap', 'hand_ap']) await setByHand(`studies/${chest.study}`, label);
    await sweep(chest);
    const { aggregates } = site.process();
    expect(await aggregates.dismiss(chest.study, 'knee_ap')).toEqual(['hand_ap']);
    expect(studyLabels(chest)).toContain('category_proposed');
    expect(await aggregates.dismiss(chest.study, 'hand_ap')).toEqual([]);
    expect(studyLabels(chest)).toEqual(['chest_pa_ap', 'hand_ap', 'knee_ap']);
    await decide(chest, decidedAs('foot_ap', { when: '2024-02-02T00:00:00.000Z' }));
    await site.remove(`studies/${chest.study}/labels/knee_ap`);
    await setByHand(`studies/${chest.study}`);
    await sweep(chest);
    expect(studyLabels(chest)).toEqual(['foot_ap', 'hand_ap', 'knee_ap']);
    expect(site.group(chest.study)?.dismissed).toEqual(['hand_ap', 'knee_ap']);
  });

  test('cannot be dismissed twice, nor after it was taken, nor where nobody proposed it', async () => {
    const chest = await stored('chest_pa_ap');
    await setByHand(`studies/${chest.study}`);
    const { aggregates } = site.process();
    await aggregates.dismiss(chest.study, 'knee_ap');
    for (const category of ['knee_ap', 'chest_pa_ap', 'hand_ap'])
      await expect(aggregates.dismiss(chest.study, category)).rejects.toMatchObject({ code: 'not_proposed' });
  });

  test.each([0, 1, 2])(
    'is dismissed as a whole or not at all, with a crash after %i writes',
    async (writes) => {
      const chest = await stored('chest_pa_ap');
      await setByHand(`studies/${chest.study}`);
      await sweep(chest);
      const { aggregates } = site.process();
      await site.dying(writes, () => aggregates.dismiss(chest.study, 'knee_ap'));
      const isDismissed = writes > 0;
      expect(await asked()).toEqual(isDismissed ? [] : [{ instance: chest.instance, proposed: ['knee_ap'] }]);
      await sweep(chest);
      expect(studyLabels(chest).includes('category_proposed')).toBe(!isDismissed);
      expect(studyLabels(chest)).toContain('knee_ap');
    },
  );

  test('does not speak for another study', async () => {
    const [one, two] = [await stored('chest_pa_ap', uid('one')), await stored('chest_pa_ap', uid('two'))];
    for (const { study } of [one, two]) await setByHand(`studies/${study}`);
    for (const line of [one, two]) await sweep(line);
    expect((await listed()).total).toBe(2);
    await site.process().aggregates.dismiss(one.study, 'knee_ap');
    expect(await asked()).toEqual([{ instance: two.instance, proposed: ['knee_ap'] }]);
  });
});

test('a label on an instance is a proposal too: the list shows that instance', async () => {
  const [chest, hand] = [await stored('chest_pa_ap'), await stored('hand_ap')];
  await setByHand(`instances/${hand.instance}`);
  await sweep(chest);
  expect(studyLabels(chest)).toEqual(['category_proposed', 'chest_pa_ap', 'hand_ap']);
  expect(await asked()).toEqual([{ instance: hand.instance, proposed: ['knee_ap'] }]);
  expect(await shown(chest)).toEqual([]);
  expect(await shown(hand)).toEqual(['knee_ap']);
});

test('of a study that somebody has answered for in part, the list shows a picture that nobody has decided', async () => {
  const [chest, hand] = [await stored('chest_pa_ap'), await stored('hand_ap')];
  await setByHand(`studies/${chest.study}`);
  const { recorder } = site.process();
  await recorder.replace(chest.instance, (current) => corrected(current, 'foot_ap', alice));
  expect(await asked()).toEqual([{ instance: hand.instance, proposed: ['knee_ap'] }]);
});

test('what somebody removed and sets again is a proposal, once no service can be about to add it', async () => {
  const line = await stored('knee_ap');
  await site.remove(`studies/${line.study}/labels/knee_ap`);
  const { orthanc, locks } = site.process();
  const due: StudyId[] = [];
  const aggregates = new Aggregates(orthanc, names, locks, (study) => due.push(study));
  await site.put(
    `instances/${line.instance}/metadata/Radiograph`,
    JSON.stringify({ ...site.record(line.instance), category: 'chest_pa_ap' }),
  );
  await aggregates.aggregate(line.study);
  expect(due).toEqual([line.study]);
  for (const study of due) await aggregates.update(study);
  await setByHand(`studies/${line.study}`);
  await aggregates.aggregate(line.study);
  expect(studyLabels(line)).toEqual(['category_proposed', 'chest_pa_ap', 'knee_ap']);
});

test('decisions, again and again, never look like proposals', async () => {
  const [one, two] = [await stored('chest_pa_ap'), await stored('hand_ap')];
  const alone = await stored('foot_ap', uid('alone'));
  for (const [turn, category] of ['knee_ap', 'hand_ap', 'chest_pa_ap', 'knee_ap'].entries())
    for (const line of [one, two, alone])
      await decide(line, decidedAs(category, { when: `2024-02-0${turn + 2}T00:00:00.000Z` }));
  expect(studyLabels(one)).toEqual(['knee_ap']);
  expect(studyLabels(alone)).toEqual(['knee_ap']);
  expect(site.writes().filter((write) => write.includes('category_proposed'))).toEqual([]);
});

test('the pages of the list hold each study once, also where proposals are answered between them', async () => {
  const studies: StudyId[] = [];
  for (let n = 0; n < 7; n++) {
    const line = await stored('chest_pa_ap', uid(`page ${n}`));
    await setByHand(`studies/${line.study}`);
    await sweep(line);
    studies.push(line.study);
  }
  const first = await listed({ limit: 3 });
  const found = first.items.map(({ study }) => study);
  for (const study of found.slice(0, 2))
    await site.process().aggregates.dismiss(studyId.parse(study), 'knee_ap');
  for (let cursor = first.next; cursor !== undefined; ) {
    const page = await listed({ limit: 3, cursor });
    found.push(...page.items.map(({ study }) => study));
    cursor = page.next;
  }
  expect(found.toSorted()).toEqual(studies.toSorted());
});

test('the filters narrow the list of proposals', async () => {
  const chest = await stored('chest_pa_ap');
  await setByHand(`studies/${chest.study}`);
  await sweep(chest);
  const of = chest.instance;
  expect((await asked({ category: 'chest_pa_ap' })).map(({ instance }) => instance)).toEqual([of]);
  expect(await asked({ category: 'hand_ap' })).toEqual([]);
  expect(await asked({ modality: 'MG' })).toEqual([]);
});
