import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { instanceId } from '../../../src/orthanc/ids.js';
import { stubClassifier } from '../../../testkit/classifier.js';
import { image, uid } from '../../../testkit/dicom.js';
import { type FakeOrthanc, startFakeOrthanc } from '../../../testkit/fake-orthanc.js';
import { discardStates, MortalService, Stage } from '../../../testkit/mortal-service.js';
import { head, type RulesFolder, rulesFolder } from '../../../testkit/rules.js';

let fake: FakeOrthanc;
let folder: RulesFolder;
let service: MortalService;
const classifier = stubClassifier();

beforeEach(async () => {
  fake = await startFakeOrthanc();
  folder = await rulesFolder();
  const rules = ['knee_lateral', 'hand_ap'].map((category) => ({
    name: category,
    when: { category },
    do: { label: `rule_${category}` },
  }));
  service = await MortalService.start({
    stage: new Stage(fake),
    classifier,
    env: { PLAINVIEW_RULES_FILE: await folder.write({ ...head, rules }), PLAINVIEW_REPORT: 'study' },
  });
});
afterEach(async () => {
  await service.end();
  await folder.discard();
  await fake.stop();
});
afterAll(discardStates);

/** Stores an instance into the one study, and waits for what follows its decision. */
async function decided(category: string, series = 0) {
  classifier.answer = async () => ({ category, score: 0.99 });
  const file = image({ studyInstanceUid: uid('reconciled'), seriesInstanceUid: uid(`reconciled ${series}`) });
  const { ID, ParentSeries, ParentStudy } = fake.store(file);
  await service.rest();
  return { id: instanceId.parse(ID), series: ParentSeries, study: ParentStudy };
}

const call = (method: string, path: string) => fetch(`${fake.url}/${path}`, { method });
const reports = async (study: string): Promise<{ ID: string }[]> => {
  const all = (await (await call('GET', `studies/${study}/instances`)).json()) as { ID: string }[];
  return all.filter(({ ID }) => fake.metadata(ID).SopClassUid?.endsWith('88.34'));
};

test('after the only picture with a rule is deleted, a sweep takes back what was derived from it', async () => {
  const knee = await decided('knee_lateral');
  const hand = await decided('hand_ap');
  for (const path of [`studies/${hand.study}`, `series/${hand.series}`])
    await call('PUT', `${path}/labels/theirs`);
  const [before] = await reports(hand.study);
  await call('DELETE', `instances/${knee.id}`);
  await service.sweep();
  for (const id of [hand.study, hand.series]) {
    expect(fake.labels(id)).toEqual(['hand_ap', 'rule_hand_ap', 'theirs']);
    expect(JSON.parse(fake.metadata(id).Radiograph ?? '').categories).toEqual({ hand_ap: 1 });
    expect(JSON.parse(fake.metadata(id).RadiographRoutes ?? '').labels).toEqual(['rule_hand_ap']);
  }
  const after = await reports(hand.study);
  expect(after).toHaveLength(1);
  expect(after[0]?.ID).not.toBe(before?.ID);
  expect(service.work.sweep.progress.mended).toBe(3);
  await service.sweep();
  expect(service.work.sweep.progress.mended).toBe(0);
});

test('a sweep puts back labels that were removed from instance, series and study', async () => {
  const { id: instance, study, series } = await decided('knee_lateral');
  for (const label of ['knee_lateral', 'rule_knee_lateral'])
    for (const path of [`studies/${study}`, `series/${series}`, `instances/${instance}`])
      await call('DELETE', `${path}/labels/${label}`);
  await service.sweep();
  for (const id of [study, series, instance])
    expect(fake.labels(id)).toEqual(['knee_lateral', 'rule_knee_lateral']);
});
