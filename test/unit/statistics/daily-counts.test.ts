import { expect, test } from 'vitest';
import { confirmed, corrected, undone } from '../../../src/decisions/correction.js';
import type { InstanceRecord } from '../../../src/decisions/schema.js';
import { answerOf } from '../../../src/statistics/answer.js';
import {
  countExisting,
  countRecorded,
  type DailyCounts,
  emptyCounts,
  prune,
} from '../../../src/statistics/daily-counts.js';

const now = new Date('2026-03-10T15:30:00.000Z');
const network = { name: 'n', sha256: 'ab' };

function said(
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

/** Counts a history of one instance, each entry upon the one before. */
function history(into: DailyCounts, records: InstanceRecord[]): void {
  for (const [index, record] of records.entries()) countRecorded(into, record, records[index - 1]);
}

test('decisions are counted in their hour and day, by what they were', () => {
  const tally = emptyCounts();
  history(tally, [said('2026-03-10T14:59:59.000Z', 'hand_ap')]);
  history(tally, [said('2026-03-10T15:00:00.000Z', 'hand_ap', 'needs_review')]);
  history(tally, [said('2026-03-09T00:00:00.000Z', 'foot_ap')]);
  history(tally, [said('2026-03-08T23:59:59.000Z', 'foot_ap')]);
  const two = answerOf(tally, 2, now);
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
  expect(answerOf(tally, 3, now).throughput.map(({ decided }) => decided)).toEqual([1, 1, 2]);
});

test('agreement tells what people said instead, and what the network was not sure of stands apart', () => {
  const tally = emptyCounts();
  const at = '2026-03-10T10:00:00.000Z';
  const hand = said(at, 'hand_ap');
  history(tally, [hand, written(confirmed(hand, by(at)))]);
  history(tally, [hand, written(corrected(hand, 'foot_ap', by(at)))]);
  history(tally, [hand, written(corrected(hand, null, by(at)))]);
  const unsure = said(at, 'knee_ap', 'needs_review');
  history(tally, [unsure, written(confirmed(unsure, by(at)))]);
  const none = said(at, 'other', 'unknown_view');
  history(tally, [none, written(corrected(none, 'hand_ap', by(at)))]);
  const failed = said(at, 'other', 'failed');
  history(tally, [failed, written(corrected(failed, 'hand_ap', by(at)))]);
  expect(answerOf(tally, 1, now).agreement).toEqual([
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

test('the last word counts, and an undo leaves no trace, not even of a second decision', () => {
  const tally = emptyCounts();
  const hand = said('2026-03-09T10:00:00.000Z', 'hand_ap');
  const first = written(corrected(hand, 'foot_ap', by('2026-03-09T11:00:00.000Z')));
  const second = written(corrected(first, 'knee_ap', by('2026-03-10T11:00:00.000Z')));
  history(tally, [hand, first, second]);
  const counted = answerOf(tally, 7, now);
  expect(counted.agreement).toMatchObject([
    { corrected: 1, categories: [{ insteadOf: [{ category: 'knee_ap', count: 1 }] }] },
  ]);
  countRecorded(tally, written(undone(second)), second);
  const after = answerOf(tally, 7, now);
  expect(after.agreement).toEqual([]);
  expect(after.throughput.reduce((sum, { decided }) => sum + decided, 0)).toBe(1);
});

test('counted from what stands in Orthanc it is the same, but for what came later and what is no time', () => {
  const hand = said('2026-03-09T10:00:00.000Z', 'hand_ap');
  const wrong = written(corrected(hand, 'foot_ap', by('2026-03-09T11:00:00.000Z')));
  const counted = emptyCounts();
  history(counted, [hand, wrong]);
  const anew = emptyCounts();
  countExisting(anew, wrong, '2026-03-10T00:00:00.000Z');
  countExisting(anew, said('2026-03-10T00:00:00.000Z', 'hand_ap'), '2026-03-10T00:00:00.000Z');
  countExisting(anew, said('__proto__', 'hand_ap'), '2026-03-10T00:00:00.000Z');
  expect(anew).toEqual(counted);
  prune(anew, '2026-03-10');
  expect(anew.days).toEqual({});
});
