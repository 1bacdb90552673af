import { describe, expect, test } from 'vitest';
import {
  acknowledged,
  confirmed,
  confirmedUnordered,
  corrected,
  oriented,
  saysWhatItShows,
  settling,
  undone,
} from '../../../src/decisions/correction.js';
import { labelsOf } from '../../../src/decisions/labels.js';
import { differencesOf, openStatesOf } from '../../../src/decisions/open-states.js';
import { type InstanceRecord, instanceRecord, type NewDecision } from '../../../src/decisions/schema.js';
import type { OrderRecord } from '../../../src/order-check/schema.js';
import { decidedAs } from '../../../testkit/fake-site.js';

const finding = { answer: 'agrees' as const, reason: '' };
const differing = (reason: string): OrderRecord => ({
  answer: 'differs',
  bodyPart: { answer: 'differs', reason },
  projection: finding,
  side: finding,
  words: [],
});
const hand = differing('The picture shows KNEE; StudyDescription says HAND.');
const foot = differing('The picture shows KNEE; StudyDescription says FOOT.');

const record = (decided: NewDecision, order?: OrderRecord): InstanceRecord => ({
  version: 1,
  ...decided,
  ...(order === undefined ? {} : { order }),
  labels: [],
});
/** As the service records what a person decides: whoever decides has seen the differences. */
const bySomebody = (decided: NewDecision, order?: OrderRecord, current = given): InstanceRecord =>
  record(settling(current, decided, differencesOf(order)), order);
const by = { who: 'alice', when: '2026-01-01T00:00:00.000Z' };
const later = { who: 'bob', when: '2026-01-02T00:00:00.000Z' };

const given: InstanceRecord = record(decidedAs('knee_ap'));
const unknown = record(decidedAs('', { decision: 'unknown_view', category: undefined }));
const unsure = record(decidedAs('', { decision: 'needs_review', category: undefined }), hand);
const mismatch = record(decidedAs('knee_ap'), hand);

describe('what is open', () => {
  test.each([
    ['a category of the network', given, []],
    ['an unknown view', unknown, ['unknown_view']],
    ['an unsure one that differs from the order', unsure, ['needs_review', 'order_mismatch']],
    ['a category that differs from the order', mismatch, ['order_mismatch']],
    ['what a person says is none of the categories', bySomebody(corrected(given, null, by)), []],
    ['what a person confirms, although it differs', bySomebody(confirmed(mismatch, by), hand), []],
    [
      'what differs otherwise than when a person decided',
      record(bySomebody(confirmed(mismatch, by), hand), foot),
      ['order_mismatch'],
    ],
    ['what an older version recorded of a person', record(confirmed(mismatch, by), hand), ['order_mismatch']],
  ])('of %s', (_what, of, open) => {
    expect(openStatesOf(of)).toEqual(open);
    const settled = of.who === 'person' && open.length === 0 ? ['settled_by_person'] : [];
    expect(labelsOf(of).filter((label) => label !== of.category)).toEqual([...open, ...settled]);
  });

  test('the answer to a difference outlasts the decision: asked again is only what differs otherwise', () => {
    const answered = record(acknowledged(mismatch, { answer: 'no_matter' }, by), hand);
    const anew = { ...decidedAs('knee_lateral'), acknowledged: answered.acknowledged };
    expect(openStatesOf(record(anew, hand))).toEqual([]);
    expect(labelsOf(record(anew, hand))).toEqual(['knee_lateral', 'settled_by_person']);
    expect(openStatesOf(record(anew, foot))).toEqual(['order_mismatch']);
  });
});

describe('an answer to what differs from the order', () => {
  test('keeps the category where the picture is right, with who, when and why', () => {
    const answered = acknowledged(mismatch, { answer: 'order_wrong', why: 'wrong room' }, by);
    expect(answered).toMatchObject({
      category: 'knee_ap',
      who: 'person',
      person: { ...by, action: 'confirm' },
      because: [{ code: 'confirmed', params: { who: 'alice' } }],
      acknowledged: { answer: 'order_wrong', ...by, why: 'wrong room' },
    });
    expect(saysWhatItShows(record(answered))).toBe(true);
    expect(undone(record(answered, hand))).toEqual({ ...decidedAs('knee_ap'), who: 'network' });
  });

  test('corrects the category where the order is right', () => {
    const answered = acknowledged(mismatch, { answer: 'category_wrong', category: 'hand_ap' }, by);
    expect(answered).toMatchObject({ category: 'hand_ap', person: { action: 'correct' } });
  });

  test('that the category is wrong needs another category, unless the side alone differs', () => {
    const same = { answer: 'category_wrong', category: 'knee_ap' } as const;
    expect(() => acknowledged(mismatch, same, by)).toThrow(
      expect.objectContaining({ code: 'category_unchanged' }),
    );
    const { order = hand } = mismatch;
    const bodyPart = { ...order.bodyPart, answer: 'agrees' } as const;
    const side = {
      answer: 'differs',
      reason: 'ImageLaterality says left; StudyDescription says right.',
    } as const;
    const ofSide = record(mismatch, { ...order, bodyPart, side });
    expect(acknowledged(ofSide, same, by)).toMatchObject({ category: 'knee_ap' });
  });

  test('that it does not matter says nothing of the category', () => {
    expect(saysWhatItShows(record(acknowledged(mismatch, { answer: 'no_matter' }, by)))).toBe(false);
  });

  test('leaves the decision of another person, and is undone alone', () => {
    const theirs = bySomebody(corrected(given, 'knee_ap', by), hand);
    const answered = acknowledged(theirs, { answer: 'no_matter' }, later);
    expect(answered).toMatchObject({ person: by, when: later.when, acknowledged: { who: 'bob' } });
    expect(saysWhatItShows(record(answered))).toBe(true);
    const back = undone(record(answered, hand));
    expect(back).toMatchObject({ who: 'person', person: by, when: by.when });
    expect(back).not.toHaveProperty('acknowledged');
  });

  test('that outlasted a person’s decision is taken back from the network’s', () => {
    const answered = acknowledged(mismatch, { answer: 'no_matter' }, by).acknowledged;
    const anew = record({ ...decidedAs('knee_lateral'), acknowledged: answered }, hand);
    expect(openStatesOf(record(undone(anew), hand))).toEqual(['order_mismatch']);
  });

  test.each([
    ['a confirmation', (current: InstanceRecord) => confirmed(current, later)],
    ['one of many confirmations', (current: InstanceRecord) => confirmedUnordered(current, later)],
    ['a correction', (current: InstanceRecord) => corrected(current, 'foot_ap', later)],
  ])('of one person is there again when another takes back %s', (_what, decide) => {
    const answer = acknowledged(mismatch, { answer: 'no_matter', why: 'wrong room' }, by).acknowledged;
    const anew = { ...decidedAs('knee_lateral'), acknowledged: answer, settled: ['It was so before.'] };
    const decided = record(decide(record(anew, hand)), hand);
    // As Orthanc has it.
    const back = undone(instanceRecord.parse(JSON.parse(JSON.stringify(decided))));
    expect(back).toEqual({ ...anew, who: 'network' });
    expect(openStatesOf(record(back, hand))).toEqual([]);
  });

  test('outlasts the correction of another person: what it settled is not asked about again', () => {
    const answered = bySomebody(acknowledged(mismatch, { answer: 'no_matter' }, by), hand, mismatch);
    const changed = bySomebody(corrected(answered, 'foot_ap', later), foot, answered);
    expect(openStatesOf({ ...changed, order: hand })).toEqual([]);
    expect(openStatesOf({ ...changed, order: foot })).toEqual([]);
  });

  test('to a person’s decision is open again when it is taken back, and nothing else is', () => {
    const theirs = bySomebody(corrected(given, 'knee_ap', by), foot);
    const differs = { ...theirs, order: hand };
    const answered = bySomebody(acknowledged(differs, { answer: 'order_wrong' }, later), hand, differs);
    expect(openStatesOf(answered)).toEqual([]);
    const back = record(undone(answered), hand);
    expect(openStatesOf(back)).toEqual(['order_mismatch']);
    expect(openStatesOf({ ...back, order: foot })).toEqual([]);
  });

  test.each([
    ['nothing differs', given, 'nothing_to_acknowledge'],
    [
      'a person has answered',
      record(acknowledged(mismatch, { answer: 'no_matter' }, by), hand),
      'nothing_to_acknowledge',
    ],
    ['the category is not decided', unsure, 'category_undecided'],
  ])('is refused where %s', (_what, of, code) => {
    expect(() => acknowledged(of, { answer: 'order_wrong' }, later)).toThrow(
      expect.objectContaining({ code }),
    );
  });
});

test('a record whose answer cannot be read is still a record', () => {
  const damaged = { ...mismatch, acknowledged: { who: 'somebody' }, settled: 'all' };
  expect(instanceRecord.parse(damaged)).toMatchObject({ category: 'knee_ap' });
});

describe('which way up a person says a picture is', () => {
  const mirrored = record({
    ...decidedAs('chest_pa_ap'),
    orientation: { turned: 90, score: 0.9, mirrored: true },
  });
  const asStored = { turned: 0, mirrored: false } as const;
  const said = { turned: 0, score: 1, mirrored: false, person: later };

  test('confirms what the network gave, takes the label, and is taken back with it', () => {
    const decided = oriented(mirrored, asStored, later);
    expect(decided).toMatchObject({ who: 'person', category: 'chest_pa_ap', orientation: said });
    expect(labelsOf(record(decided), { labelsTurned: true })).not.toContain('not_upright');
    expect(labelsOf(mirrored, { labelsTurned: true })).toContain('not_upright');
    expect(undone(record(decided))).toMatchObject({
      who: 'network',
      when: mirrored.when,
      orientation: mirrored.orientation,
    });
  });

  test('stands where another person says that the picture shows something else', () => {
    const decided = record(oriented(mirrored, asStored, by));
    for (const category of ['knee_ap', null])
      expect(corrected(decided, category, later).orientation).toEqual({ ...said, person: by });
    expect(confirmed(decided, later).orientation).toEqual({ ...said, person: by });
  });

  test('leaves what a person said of the category, and is taken back alone', () => {
    const knee = record(corrected(mirrored, 'knee_ap', by));
    expect(knee.orientation).toEqual({ turned: 90, score: 0.9 });
    const decided = record(oriented(knee, asStored, later));
    expect(decided).toMatchObject({ category: 'knee_ap', when: later.when, person: { who: 'alice' } });
    expect(decided.orientation).toEqual(said);
    expect(record(undone(decided))).toEqual(knee);
    expect(undone(record(undone(decided)))).toMatchObject({ who: 'network', category: 'chest_pa_ap' });
  });

  test('is taken back alone, also where the clock that told its time was slow', () => {
    const knee = record(corrected(mirrored, 'knee_ap', later));
    expect(record(undone(record(oriented(knee, asStored, by))))).toEqual(knee);
  });

  test('settles no difference that an answer, or nobody, has settled', () => {
    const together = record(confirmedUnordered(mismatch, by), hand);
    const inBetween = { who: 'carol', when: '2026-01-01T12:00:00.000Z' };
    const answered = record(acknowledged(together, { answer: 'order_wrong' }, inBetween), hand);
    for (const [before, open] of [
      [together, ['order_mismatch']],
      [answered, []],
    ] as const) {
      const decided = bySomebody(oriented(before, asStored, later), hand, before);
      expect(openStatesOf(decided)).toEqual(open);
      const back = record(undone(decided), hand);
      expect(back).toEqual(before);
    }
    const back = record(undone(bySomebody(oriented(answered, asStored, later), hand, answered)), hand);
    expect(openStatesOf(record(undone(back), hand))).toEqual(['order_mismatch']);
  });

  test('stands at its own time where a later answer is taken back', () => {
    const together = record(confirmedUnordered(mismatch, by), hand);
    const decided = record(oriented(together, asStored, later), hand);
    const last = { who: 'carol', when: '2026-01-03T00:00:00.000Z' };
    const answered = record(acknowledged(decided, { answer: 'order_wrong' }, last), hand);
    expect(record(undone(answered), hand)).toEqual(decided);
  });

  test('needs a category first', () => {
    for (const open of [unsure, unknown])
      expect(() => oriented(open, asStored, by)).toThrow(
        expect.objectContaining({ code: 'category_undecided' }),
      );
  });
});
