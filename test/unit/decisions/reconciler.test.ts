import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { reportSopClass } from '../../../src/followups/report/document.js';
import { instanceId } from '../../../src/orthanc/ids.js';
import { stubClassifier } from '../../../testkit/classifier.js';
import { image, instance, uid } from '../../../testkit/dicom.js';
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

describe.each(['instance', 'study'] as const)('with a report for each %s', (report) => {
  beforeEach(async () => {
    await service.end();
    service = await MortalService.start({
      stage: new Stage(fake),
      classifier,
      env: { PLAINVIEW_REPORT: report },
    });
  });
  /** A report of another program in the study of an instance. */
  const othersReport = () =>
    fake.store(instance({ sopClassUid: reportSopClass, modality: 'SR', studyInstanceUid: uid('reconciled') }))
      .ID;
  const left = (id: string) => fake.metadata(id).SopClassUid !== undefined;

  test('a sweep deletes the report of a picture that is deleted, and no other', async () => {
    const others = othersReport();
    const [knee, hand] = [await decided('knee_lateral'), await decided('hand_ap')];
    const before = await reports(hand.study);
    await call('DELETE', `instances/${knee.id}`);
    await service.sweep();
    const after = await reports(hand.study);
    expect(after).toHaveLength(2);
    expect(after.length).toBe(report === 'study' ? before.length : before.length - 1);
    expect(left(others)).toBe(true);
    expect(service.work.sweep.progress.mended).toBeGreaterThan(0);
    await service.sweep();
    expect(service.work.sweep.progress.mended).toBe(0);
    expect(await reports(hand.study)).toEqual(after);
  });

  test('a sweep deletes the report of the only picture of a study, and leaves the report of another program', async () => {
    const others = othersReport();
    const knee = await decided('knee_lateral');
    await call('DELETE', `instances/${knee.id}`);
    expect(await reports(knee.study)).toHaveLength(2);
    await service.sweep();
    expect((await reports(knee.study)).map(({ ID }) => ID)).toEqual([others]);
  });

  test('a picture that is moved with its report has one, about its new patient', async () => {
    const { id, study } = await decided('knee_lateral');
    const all = (await (await call('GET', `studies/${study}/instances`)).json()) as { ID: string }[];
    // As Orthanc gives a study to another patient: it changes all its files, keeps their UIDs, and deletes the sources.
    const moved: string[] = [];
    for (const { ID } of all) {
      const request = { Replace: { PatientID: 'RIGHT' }, Keep: ['SOPInstanceUID'], Force: true };
      const answer = await fetch(`${fake.url}/instances/${ID}/modify`, {
        method: 'POST',
        body: JSON.stringify(request),
      });
      moved.push(fake.store(Buffer.from(await answer.arrayBuffer()), ID).ParentStudy);
      await call('DELETE', `instances/${ID}`);
    }
    await service.rest();
    await service.sweep();
    const [now] = await reports(moved[0] ?? '');
    expect(await reports(moved[0] ?? '')).toHaveLength(1);
    expect(left(id)).toBe(false);
    expect(await (await call('GET', `instances/${now?.ID}/simplified-tags`)).json()).toMatchObject({
      PatientID: 'RIGHT',
    });
  });
});
