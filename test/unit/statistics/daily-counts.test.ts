import { describe, expect, test } from 'vitest';
import { acknowledged, confirmed, corrected, undone } from '../../../src/decisions/correction.js';
import type { InstanceRecord, ShadowRecord } from '../../../src/decisions/schema.js';
import { answerOf } from '../../../src/statistics/answer.js';
import {
  countExisting,
  countRecorded,
  type DailyCounts,
  dailyCounts,
  emptyCounts,
  emptyDay,
  prune,
} from '../../../src/statistics/daily-counts.js';

const now = new Date('2026-03-10T15:30:00.000Z');
const network = { name: 'n', sha256: 'ab' };
const inUse = { sha256: 'ab', classes: ['hand_ap', 'foot_ap', 'knee_ap', 'other'] };

function decision(
  when: string,
  category: string,
  decision: InstanceRecord['decision'] = 'category',
): InstanceRecord {
  return {
    version: 1,
    decision,
    ...(decision === 'category' ? { category } : {}),
    reason: '',
    top: [{ category, score: 0.9 }],
    who: 'network',
    network,
    engine: 'test',
    when,
    ms: 1,
    labels: [],
  };
}
const by = (when: string) => ({ who: 'alice', when });
const written = (decided: Omit<InstanceRecord, 'labels' | 'version'>): InstanceRecord => ({
  version: 1,
  labels: [],
  ...decided,
});

/** Counts the decisions of one instance. Each replaces the one before it. */
function history(into: DailyCounts, records: InstanceRecord[]): void {
  for (const [index, record] of records.entries()) countRecorded(into, record, records[index - 1]);
}

test('decisions are counted by hour, day and category', () => {
  const counts = emptyCounts();
  history(counts, [decision('2026-03-10T14:59:59.000Z', 'hand_ap')]);
  history(counts, [decision('2026-03-10T15:00:00.000Z', 'hand_ap', 'needs_review')]);
  history(counts, [decision('2026-03-09T00:00:00.000Z', 'foot_ap')]);
  history(counts, [decision('2026-03-08T23:59:59.000Z', 'foot_ap')]);
  const two = answerOf(counts, 2, now, inUse);
  expect(two).toMatchObject({ bucket: 'hour', from: '2026-03-09T00:00:00.000Z' });
  expect(two.throughput).toHaveLength(24 + 16);
  expect(two.throughput.filter(({ decided }) => decided > 0)).toEqual([
    { at: '2026-03-09T00:00:00.000Z', decided: 1 },
    { at: '2026-03-10T14:00:00.000Z', decided: 1 },
    { at: '2026-03-10T15:00:00.000Z', decided: 1 },
  ]);
  expect(two.decisions.map(({ category, needs_review }) => [category, needs_review])).toEqual([
    [1, 0],
    [1, 1],
  ]);
  expect(two.categories).toEqual([
    { category: 'foot_ap', perDay: [1, 0], total: 1 },
    { category: 'hand_ap', perDay: [0, 1], total: 1 },
  ]);
  expect(answerOf(counts, 3, now, inUse).throughput.map(({ decided }) => decided)).toEqual([1, 1, 2]);
});

test('agreement counts people’s answers; decisions that needed review are counted separately', () => {
  const counts = emptyCounts();
  const at = '2026-03-10T10:00:00.000Z';
  const hand = decision(at, 'hand_ap');
  history(counts, [hand, written(confirmed(hand, by(at)))]);
  history(counts, [hand, written(corrected(hand, 'foot_ap', by(at)))]);
  history(counts, [hand, written(corrected(hand, null, by(at)))]);
  const unsure = decision(at, 'knee_ap', 'needs_review');
  history(counts, [unsure, written(confirmed(unsure, by(at)))]);
  const none = decision(at, 'other', 'unknown_view');
  history(counts, [none, written(corrected(none, 'hand_ap', by(at)))]);
  const failed = decision(at, 'other', 'failed');
  history(counts, [failed, written(corrected(failed, 'hand_ap', by(at)))]);
  expect(answerOf(counts, 1, now, inUse).agreement).toEqual([
    {
      network,
      confirmed: 1,
      corrected: 3,
      unsure: { confirmed: 1, corrected: 0 },
      categories: [
        {
          category: 'hand_ap',
          confirmed: 1,
          corrected: 2,
          insteadOf: [
            { category: 'foot_ap', count: 1 },
            { category: null, count: 1 },
          ],
        },
        {
          category: 'unknown_view',
          confirmed: 0,
          corrected: 1,
          insteadOf: [{ category: 'hand_ap', count: 1 }],
        },
      ],
    },
  ]);
});

test('only the last correction counts, and an undo removes it', () => {
  const counts = emptyCounts();
  const hand = decision('2026-03-09T10:00:00.000Z', 'hand_ap');
  const first = written(corrected(hand, 'foot_ap', by('2026-03-09T11:00:00.000Z')));
  const second = written(corrected(first, 'knee_ap', by('2026-03-10T11:00:00.000Z')));
  history(counts, [hand, first, second]);
  const counted = answerOf(counts, 7, now, inUse);
  expect(counted.agreement).toMatchObject([
    { corrected: 1, categories: [{ insteadOf: [{ category: 'knee_ap', count: 1 }] }] },
  ]);
  countRecorded(counts, written(undone(second)), second);
  const after = answerOf(counts, 7, now, inUse);
  expect(after.agreement).toEqual([]);
  expect(after.throughput.reduce((sum, { decided }) => sum + decided, 0)).toBe(1);
});

test('a recount gives the same counts, without newer decisions and invalid times', () => {
  const hand = decision('2026-03-09T10:00:00.000Z', 'hand_ap');
  const wrong = written(corrected(hand, 'foot_ap', by('2026-03-09T11:00:00.000Z')));
  const counted = emptyCounts();
  history(counted, [hand, wrong]);
  const recounted = emptyCounts();
  countExisting(recounted, wrong, '2026-03-10T00:00:00.000Z');
  countExisting(recounted, decision('2026-03-10T00:00:00.000Z', 'hand_ap'), '2026-03-10T00:00:00.000Z');
  countExisting(recounted, decision('__proto__', 'hand_ap'), '2026-03-10T00:00:00.000Z');
  expect(recounted).toEqual(counted);
});

test('the latest days are kept; a clock that was far ahead for a moment does not delete the others', () => {
  const counted = emptyCounts();
  for (const when of ['2026-03-07', '2026-03-08', '2026-03-09', '2099-01-01'])
    countRecorded(counted, decision(`${when}T10:00:00.000Z`, 'hand_ap'), undefined);
  prune(counted, 3);
  expect(Object.keys(counted.days)).toEqual(['2026-03-08', '2026-03-09', '2099-01-01']);
});

describe('a shadow network', () => {
  const shadowed = (when: string, category: string, would: object): InstanceRecord => ({
    ...decision(when, category),
    shadow: {
      network: { name: 's', sha256: 'cd' },
      decision: 'category',
      top: [],
      of: when,
      ...would,
    } as ShadowRecord,
  });
  const at = (hour: number) => `2026-03-10T0${hour}:00:00.000Z`;
  const shadowsOf = (counts: DailyCounts) => answerOf(counts, 1, now, inUse).shadows;

  test('is counted by what both decided; one without an answer is counted apart', () => {
    const counts = emptyCounts();
    history(counts, [shadowed(at(1), 'hand_ap', { category: 'hand_ap' })]);
    history(counts, [shadowed(at(2), 'hand_ap', { category: 'foot_ap' })]);
    history(counts, [shadowed(at(3), 'hand_ap', { decision: 'needs_review' })]);
    history(counts, [shadowed(at(4), 'hand_ap', { category: 'foot_ap' })]);
    history(counts, [shadowed(at(5), 'hand_ap', { decision: 'failed' })]);
    history(counts, [decision(at(6), 'hand_ap')]);
    expect(shadowsOf(dailyCounts.parse(JSON.parse(JSON.stringify(counts))))).toEqual([
      {
        network,
        shadow: { name: 's', sha256: 'cd' },
        decided: 4,
        failed: 1,
        partings: [
          { network: 'hand_ap', shadow: 'foot_ap', count: 2 },
          { network: 'hand_ap', shadow: 'needs_review', count: 1 },
        ],
        right: { both: 0, onlyNetwork: 0, onlyShadow: 0, neither: 0, p: 1 },
      },
    ]);
  });

  test('is judged by what people decide, also where they change their mind, and an undo takes that back', () => {
    const counts = emptyCounts();
    const first = shadowed(at(1), 'hand_ap', { category: 'foot_ap' });
    const foot = written(corrected(first, 'foot_ap', by(at(2))));
    const hand = written(corrected(foot, 'hand_ap', by(at(3))));
    history(counts, [first, foot]);
    expect(shadowsOf(counts)[0]?.right).toMatchObject({ onlyShadow: 1, onlyNetwork: 0 });
    countRecorded(counts, hand, foot);
    expect(shadowsOf(counts)[0]?.right).toMatchObject({ onlyShadow: 0, onlyNetwork: 1 });
    countRecorded(counts, written(undone(hand)), hand);
    expect(shadowsOf(counts)[0]).toMatchObject({ decided: 1, right: { onlyShadow: 0, onlyNetwork: 0 } });
  });

  test('has the exact p of McNemar', () => {
    const counts = emptyCounts();
    for (let n = 0; n < 6; n++) {
      const first = shadowed(at(1), 'hand_ap', { category: 'foot_ap' });
      history(counts, [first, written(corrected(first, n === 0 ? 'hand_ap' : 'foot_ap', by(at(2))))]);
    }
    expect(shadowsOf(counts)[0]?.right).toMatchObject({
      onlyNetwork: 1,
      onlyShadow: 5,
      p: expect.closeTo(0.21875),
    });
  });

  test('is found again by a recount; counts of an older version have none', () => {
    const recounted = emptyCounts();
    const first = shadowed(at(1), 'hand_ap', { category: 'foot_ap' });
    countExisting(recounted, written(corrected(first, 'foot_ap', by(at(2)))), at(9));
    expect(shadowsOf(recounted)[0]).toMatchObject({ decided: 1, right: { onlyShadow: 1 } });
    const { shadow: _, ...older } = emptyDay();
    const parsed = dailyCounts.parse({ version: 1, networks: {}, days: { '2026-03-10': older } });
    expect(shadowsOf(parsed)).toEqual([]);
  });
});

test('a network that says “none of these” of a view that it does not know was right', () => {
  const counts = emptyCounts();
  const at = '2026-03-10T12:00:00.000Z';
  const none = decision(at, 'other', 'unknown_view');
  const unsure = decision(at, 'other', 'needs_review');
  const wrong = decision(at, 'foot_ap');
  for (const each of [none, unsure, wrong])
    history(counts, [each, written(corrected(each, 'calcaneus_lateral', by(at)))]);
  expect(answerOf(counts, 1, now, inUse).agreement).toMatchObject([
    {
      confirmed: 1,
      corrected: 1,
      unsure: { confirmed: 1, corrected: 0 },
      categories: [
        { category: 'foot_ap', insteadOf: [{ category: 'calcaneus_lateral', count: 1 }] },
        { category: 'unknown_view', confirmed: 1, corrected: 0 },
      ],
    },
  ]);
  // Nobody knows any more what another network could answer.
  const former = { ...inUse, sha256: 'cd' };
  expect(answerOf(counts, 1, now, former).agreement).toMatchObject([{ confirmed: 0, corrected: 2 }]);
});

describe('answers to what differs from the order', () => {
  const finding = { answer: 'agrees' as const, reason: '' };
  const order = {
    answer: 'differs' as const,
    bodyPart: { answer: 'differs' as const, reason: 'knee, not hand' },
    projection: finding,
    side: finding,
    words: [],
  };
  const given = { ...decision('2026-03-09T10:00:00.000Z', 'knee_ap'), order };
  const answered = (answer: 'order_wrong' | 'no_matter', from: InstanceRecord = given) => ({
    ...written(acknowledged(from, { answer }, by('2026-03-10T10:00:00.000Z'))),
    order,
  });
  const of = (counts: DailyCounts) => {
    const { acknowledged: answers, agreement } = answerOf(counts, 7, now, inUse);
    return { ...answers, confirmed: agreement[0]?.confirmed ?? 0 };
  };
  const none = { order_wrong: 0, category_wrong: 0, no_matter: 0, confirmed: 0 };

  test('are counted until they are undone; that it does not matter is no verdict on the network', () => {
    const counts = emptyCounts();
    const no_matter = answered('no_matter');
    history(counts, [given, no_matter]);
    expect(of(counts)).toEqual({ ...none, no_matter: 1 });
    countRecorded(counts, written(undone(no_matter)), no_matter);
    expect(of(counts)).toEqual(none);
    const wrong = answered('order_wrong');
    countRecorded(counts, wrong, given);
    expect(of(counts)).toEqual({ ...none, order_wrong: 1, confirmed: 1 });
  });

  test('are counted once: beside the decision of another person, and where they outlast a decision', () => {
    const counts = emptyCounts();
    const theirs = { ...written(corrected(given, 'knee_ap', by('2026-03-09T12:00:00.000Z'))), order };
    const wrong = answered('order_wrong', theirs);
    history(counts, [given, theirs, wrong]);
    expect(of(counts)).toEqual({ ...none, order_wrong: 1, confirmed: 1 });
    const anew = {
      ...decision('2026-03-10T11:00:00.000Z', 'knee_lateral'),
      acknowledged: wrong.acknowledged,
    };
    countRecorded(counts, anew, wrong);
    expect(of(counts)).toEqual({ ...none, order_wrong: 1 });
    countRecorded(counts, written(undone(anew)), anew);
    expect(of(counts)).toEqual(none);
  });

  test('are found by a recount', () => {
    const counts = emptyCounts();
    countExisting(counts, answered('order_wrong'), '2026-03-10T12:00:00.000Z');
    expect(of(counts)).toEqual({ ...none, order_wrong: 1, confirmed: 1 });
  });
});
