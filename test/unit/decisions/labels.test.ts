import { describe, expect, test } from 'vitest';
import { statistics } from '../../../src/contract/review.js';
import { openStates } from '../../../src/contract/states.js';
import { aggregate } from '../../../src/decisions/aggregates.js';
import { confirmed, corrected, undone } from '../../../src/decisions/correction.js';
import { labelsOf, planAllLabels, planLabels, requireLabels } from '../../../src/decisions/labels.js';
import { type InstanceRecord, instanceRecord, readRecord } from '../../../src/decisions/schema.js';

const record = (decision: InstanceRecord['decision'], category?: string): InstanceRecord => ({
  version: 1,
  decision,
  ...(category === undefined ? {} : { category }),
  reason: '',
  top: [],
  who: 'network',
  network: { name: 'n', sha256: '00' },
  engine: 'test',
  when: '2026-01-01T00:00:00.000Z',
  ms: 1,
  labels: [],
});

describe('planLabels', () => {
  test('adds what is wanted and owns it', () => {
    expect(planLabels([], [], ['knee_ap'])).toEqual({
      add: ['knee_ap'],
      remove: [],
      owned: ['knee_ap'],
      pending: [],
    });
  });

  test("leaves a person's labels alone and removes its own stale one", () => {
    const plan = planLabels(['teaching', 'needs_review'], ['needs_review'], ['knee_ap']);
    expect(plan).toEqual({ add: ['knee_ap'], remove: ['needs_review'], owned: ['knee_ap'], pending: [] });
  });

  test('a label that a person had put there stays theirs, also when it becomes stale', () => {
    const first = planLabels(['knee_ap'], [], ['knee_ap']);
    expect(first).toEqual({ add: [], remove: [], owned: [], pending: [] });
    expect(planLabels(['knee_ap'], first.owned, ['knee_lateral']).remove).toEqual([]);
  });

  test('puts back what was lost between the record and the label', () => {
    expect(planLabels([], ['knee_ap'], ['knee_ap'])).toEqual({
      add: ['knee_ap'],
      remove: [],
      owned: ['knee_ap'],
      pending: [],
    });
  });
});

test('what is ours and not there stays ours until a later pass: another service may be about to add it', () => {
  const [labels, ours, wanted] = [['hand_ap'], ['hand_ap', 'wrist_ap'], ['knee_ap']];
  expect(planLabels(labels, ours, wanted)).toEqual({
    add: ['knee_ap'],
    remove: ['hand_ap'],
    owned: ['knee_ap'],
    pending: ['wrist_ap'],
  });
  expect(planAllLabels(labels, ours, wanted).pending).toEqual([]);
});

describe('addUp', () => {
  test('a study carries the union of its instances', () => {
    const children = [record('category', 'knee_ap'), record('category', 'knee_ap'), record('needs_review')];
    expect(aggregate(children)).toEqual({
      categories: { knee_ap: 2 },
      decisions: { category: 2, needs_review: 1 },
      wanted: ['knee_ap', 'needs_review'],
    });
  });

  test('one picture that is not what was ordered marks the study', () => {
    const finding = { answer: 'agrees' as const, reason: '' };
    const order = {
      answer: 'differs' as const,
      bodyPart: { answer: 'differs' as const, reason: '' },
      projection: finding,
      side: finding,
      words: [],
    };
    const children = [record('category', 'knee_ap'), { ...record('category', 'hand_ap'), order }];
    expect(aggregate(children).wanted).toEqual(['hand_ap', 'knee_ap', 'order_mismatch']);
  });

  test('does not depend on the order', () => {
    const children = [record('failed'), record('category', 'hand_ap'), record('unknown_view')];
    expect(JSON.stringify(aggregate(children))).toBe(JSON.stringify(aggregate([...children].reverse())));
  });
});

describe('a picture that is not upright', () => {
  const turned = { ...record('category', 'knee_ap'), orientation: { turned: 90 as const, score: 0.9 } };

  test('has a label where the site wants one, on series and study too', () => {
    expect(labelsOf(turned, { labelsTurned: true })).toEqual(['knee_ap', 'not_upright']);
    expect(aggregate([turned, record('failed')], { labelsTurned: true }).wanted).toContain('not_upright');
    expect(labelsOf(turned, { labelsTurned: false })).toEqual(['knee_ap']);
  });

  test('an upright one has none, nor one of which it cannot be told', () => {
    for (const orientation of ['cannot_tell' as const, { turned: 0 as const, score: 1 }])
      expect(labelsOf({ ...turned, orientation }, { labelsTurned: true })).toEqual(['knee_ap']);
  });

  test('so has a mirrored one', () => {
    const upright = { turned: 0 as const, score: 1 };
    const labels = (mirrored: boolean | 'cannot_tell') =>
      labelsOf({ ...turned, orientation: { ...upright, mirrored } }, { labelsTurned: true });
    expect(labels(true)).toEqual(['knee_ap', 'not_upright']);
    expect(labels(false)).toEqual(['knee_ap']);
    expect(labels('cannot_tell')).toEqual(['knee_ap']);
  });

  test('is as much turned after a correction, and after its undo', () => {
    const by = { who: 'ann', when: '2026-01-02T00:00:00.000Z' };
    const said = corrected(turned, 'hand_ap', by);
    expect(said).toMatchObject({ category: 'hand_ap', orientation: { turned: 90 } });
    expect(undone({ ...turned, ...said })).toMatchObject({
      category: 'knee_ap',
      orientation: { turned: 90 },
    });
  });

  test('is not said to be mirrored once a person says that it is another view, until that is undone', () => {
    const by = { who: 'ann', when: '2026-01-02T00:00:00.000Z' };
    const chest = {
      ...record('category', 'chest_pa_ap'),
      top: [{ category: 'chest_pa_ap', score: 0.9 }],
      orientation: { turned: 0 as const, score: 1, mirrored: true },
    };
    const labels = (said: object) => labelsOf({ ...chest, ...said }, { labelsTurned: true });
    expect(labels(confirmed(chest, by))).toContain('not_upright');
    const said = corrected(chest, 'abdomen_ap', by);
    expect(said.orientation).toEqual({ turned: 0, score: 1 });
    expect(labels(said)).not.toContain('not_upright');
    expect(corrected(chest, null, by).orientation).toEqual({ turned: 0, score: 1 });
    const undecided = { ...chest, decision: 'unknown_view' as const, category: undefined };
    expect(corrected(undecided, 'chest_pa_ap', by).orientation).toMatchObject({ mirrored: true });
    expect(undone({ ...chest, ...said }).orientation).toMatchObject({ mirrored: true });
  });

  test('an orientation that cannot be read is ignored', () => {
    const text = JSON.stringify({ ...turned, orientation: { turned: 45 } });
    expect(readRecord(instanceRecord, text)).toMatchObject({ category: 'knee_ap' });
    expect(readRecord(instanceRecord, text)?.orientation).toBeUndefined();
  });
});

describe('the side that a marker names', () => {
  const marked = { ...record('category', 'knee_ap'), side: { marked: 'R' as const, score: 0.99 } };

  test('stays with the picture after a correction, and sets no label', () => {
    const said = corrected(marked, 'hand_ap', { who: 'ann', when: '2026-01-02T00:00:00.000Z' });
    expect(said).toMatchObject({ category: 'hand_ap', side: { marked: 'R' } });
    expect(labelsOf(marked, { labelsTurned: true })).toEqual(['knee_ap']);
  });

  test('is read, and ignored where it cannot be read', () => {
    expect(readRecord(instanceRecord, JSON.stringify(marked))?.side).toEqual(marked.side);
    const text = JSON.stringify({ ...marked, side: { marked: 'X', score: 1 } });
    expect(readRecord(instanceRecord, text)).toMatchObject({ category: 'knee_ap' });
    expect(readRecord(instanceRecord, text)?.side).toBeUndefined();
  });
});

test('metadata that is not ours counts as none', () => {
  for (const text of [undefined, '', 'knee', '{"version":2}', '[]', 'null'])
    expect(readRecord(instanceRecord, text)).toBeUndefined();
  const written = record('category', 'knee_ap');
  expect(readRecord(instanceRecord, JSON.stringify(written))).toEqual(written);
});

test.each([
  ['hand ap', '', '"hand ap" cannot be a label'],
  ['needs_review', '', '"needs_review" cannot be a label'],
  ['x'.repeat(41), 'p'.repeat(24), 'at most 64'],
])('a network with the category %s is refused before it decides anything', (name, prefix, says) => {
  expect(() => requireLabels('PLAINVIEW_LABELS', ['knee_ap', name], prefix)).toThrow(says);
  expect(() =>
    requireLabels('PLAINVIEW_LABELS', ['oblique_view_of_Lauenstein', 'other'], prefix),
  ).not.toThrow();
});

test('the statistics count the states that decisions ask labels for', () => {
  expect(Object.keys(statistics.shape.backlog.shape).toSorted()).toEqual(openStates.toSorted());
});
