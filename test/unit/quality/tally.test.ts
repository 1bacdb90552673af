import { expect, test } from 'vitest';
import { Categories } from '../../../src/anatomy/categories.js';
import { dimensions, type FigureName } from '../../../src/contract/quality.js';
import { type InstanceRecord, instanceRecord } from '../../../src/decisions/schema.js';
import { Words } from '../../../src/order-check/words.js';
import { instanceId } from '../../../src/orthanc/ids.js';
import type { Radiograph } from '../../../src/quality/radiographs.js';
import { Relations } from '../../../src/quality/relation.js';
import { reportOf } from '../../../src/quality/report.js';
import { Tally } from '../../../src/quality/tally.js';

const categories = Categories.read();
const words = Words.read(categories);

let made = 0;
const idOf = (n: number) => instanceId.parse(`${n.toString(16).padStart(8, '0')}${'-00000000'.repeat(4)}`);

const record = (fields: Partial<InstanceRecord> = {}): InstanceRecord =>
  instanceRecord.parse({
    version: 1,
    decision: 'category',
    category: 'knee_ap',
    reason: '',
    top: [{ category: 'knee_ap', score: 0.97 }],
    who: 'network',
    network: { name: 'n', sha256: 'ab' },
    engine: 'test',
    when: '2026-03-10T10:00:00.000Z',
    ms: 1,
    labels: [],
    ...fields,
  });
const order = (answer: string, side: string) =>
  instanceRecord.shape.order.parse({
    answer,
    bodyPart: { answer, reason: '' },
    projection: { answer: 'cannot_tell', reason: '' },
    side: { answer: side, reason: '' },
    words: [],
  });
const radiograph = (fields: Partial<Radiograph> = {}): Radiograph => ({
  instance: idOf(made++),
  studyDate: '20260310',
  declared: {
    bodyPart: 'KNEE',
    view: 'AP',
    station: 'ROOM1',
    manufacturer: 'ACME',
    model: 'X',
    department: 'ER',
  },
  record: record(),
  ...fields,
});

function report(radiographs: readonly Radiograph[]) {
  const tally = new Tally({ relations: new Relations(words), categories, networkScore: 0.9, dimensions });
  for (const each of radiographs) tally.add(each);
  const circumstances = { when: new Date(0), plainview: '1', networkScore: 0.9 };
  return reportOf(tally, circumstances);
}
const figure = (of: readonly Radiograph[], name: FigureName) => {
  const { count, of: all } = report(of).all.figures[name];
  return [count, all];
};

test('what a file leaves out is counted among the files that are known', () => {
  const all = [
    radiograph(),
    radiograph({ declared: { bodyPart: 'KNEE' } }),
    radiograph({ declared: {}, record: undefined }),
    radiograph({ declared: undefined }),
  ];
  expect(figure(all, 'withoutBodyPart')).toEqual([1, 3]);
  expect(figure(all, 'withoutView')).toEqual([2, 3]);
  expect(report(all)).toMatchObject({ unread: 1, all: { radiographs: 4 } });
});

test('a contradiction counts for the person who decided, else for a network that is sure enough, never for both', () => {
  const foot = { bodyPart: 'FOOT', view: 'LL' };
  const person = { who: 'person' as const };
  const all = [
    radiograph(),
    radiograph({ declared: foot }),
    radiograph({ declared: foot, record: record(person) }),
    radiograph({ record: record(person) }),
    radiograph({ declared: foot, record: record({ top: [{ category: 'knee_ap', score: 0.89 }] }) }),
    radiograph({ declared: { bodyPart: 'UNKNOWN' }, record: record(person) }),
    radiograph({
      declared: { bodyPart: 'FOOT' },
      record: record({ decision: 'needs_review', category: undefined }),
    }),
  ];
  expect(figure(all, 'wrongBodyPartByNetwork')).toEqual([1, 2]);
  expect(figure(all, 'wrongBodyPartByPerson')).toEqual([1, 2]);
  expect(figure(all, 'wrongViewByNetwork')).toEqual([1, 2]);
  expect(figure(all, 'wrongViewByPerson')).toEqual([1, 2]);
  expect(report(all).all.bodyPart.person).toMatchObject({ equal: 1, contradictory: 1, unmappable: 1 });
});

test('what is near is no error, and counts among what was compared', () => {
  const all = [radiograph({ declared: { bodyPart: 'FEMUR', view: 'PA' } })];
  expect(figure(all, 'wrongBodyPartByNetwork')).toEqual([0, 1]);
  expect(report(all).all).toMatchObject({
    bodyPart: { network: { neighbouring: 1 } },
    view: { network: { compatible: 1 } },
  });
});

test('side and order count where they could be compared; undecided is what neither person nor network has named', () => {
  const all = [
    radiograph({ record: record({ order: order('differs', 'differs') }) }),
    radiograph({ record: record({ order: order('agrees', 'agrees') }) }),
    radiograph({ record: record({ order: order('cannot_tell', 'cannot_tell') }) }),
    radiograph({ record: undefined }),
    radiograph({ record: 'other version' }),
    radiograph({ record: record({ decision: 'unknown_view', category: undefined }) }),
    radiograph({ record: record({ decision: 'unknown_view', category: undefined, who: 'person' }) }),
  ];
  expect(figure(all, 'wrongSide')).toEqual([1, 2]);
  expect(figure(all, 'orderMismatch')).toEqual([1, 2]);
  expect(figure(all, 'undecided')).toEqual([2, 6]);
});

test('of the order mismatches, those that are open and those that a person has answered are told apart', () => {
  const who = { who: 'alice', when: '2026-03-10T11:00:00.000Z' };
  const differs = {
    order: instanceRecord.shape.order.parse({
      ...order('differs', 'cannot_tell'),
      bodyPart: { answer: 'differs', reason: 'it differs' },
    }),
  };
  const all = [
    radiograph({ record: record(differs) }),
    radiograph({
      record: record({ ...differs, acknowledged: { ...who, answer: 'order_wrong', of: ['it differs'] } }),
    }),
    radiograph({
      record: record({ ...differs, acknowledged: { ...who, answer: 'no_matter', of: ['another one'] } }),
    }),
    radiograph({ record: record({ ...differs, who: 'person', settled: ['it differs'] }) }),
    radiograph({ record: record({ order: order('agrees', 'agrees') }) }),
    radiograph({ record: record({ decision: 'needs_review', category: undefined }) }),
  ];
  expect(figure(all, 'orderMismatch')).toEqual([4, 5]);
  expect(figure(all, 'orderMismatchOpen')).toEqual([2, 4]);
  expect(figure(all, 'orderMismatchAnswered')).toEqual([1, 4]);
});

test('an order mismatch is counted among all where anything could be compared, also where the body part could not', () => {
  const ofProjection = (answer: string) =>
    radiograph({
      record: record({
        order: instanceRecord.shape.order.parse({
          ...order('cannot_tell', 'cannot_tell'),
          // As the order check answers: without a difference, what it says of the body part.
          answer: answer === 'differs' ? 'differs' : 'cannot_tell',
          projection: { answer, reason: '' },
        }),
      }),
    });
  const all = ['differs', 'agrees', 'agrees', 'agrees', 'cannot_tell'].map(ofProjection);
  expect(figure(all, 'orderMismatch')).toEqual([1, 4]);
});

test('who says that a difference from the order does not matter has not said what the picture shows', () => {
  const who = { who: 'alice', when: '2026-03-10T11:00:00.000Z' };
  const unimportant = record({
    who: 'person',
    when: who.when,
    person: { ...who, action: 'confirm' },
    acknowledged: { ...who, answer: 'no_matter', of: ['it differs'] },
  });
  const all = [radiograph({ declared: { bodyPart: 'FOOT' }, record: unimportant })];
  expect(figure(all, 'wrongBodyPartByPerson')).toEqual([0, 0]);
  expect(figure(all, 'wrongBodyPartByNetwork')).toEqual([1, 1]);
  expect(figure(all, 'undecided')).toEqual([0, 1]);
});

test('each figure has its interval and examples; groups come by size, months in order, what is not given last', () => {
  const wrong = radiograph({ declared: { bodyPart: 'FOOT', station: 'ROOM\u001b2' }, studyDate: '20251231' });
  const all = [
    ...Array.from({ length: 6 }, () => radiograph()),
    wrong,
    radiograph({ declared: {}, studyDate: undefined }),
    radiograph({ declared: {}, studyDate: undefined }),
  ];
  const { by } = report(all);
  const values = Object.fromEntries(
    Object.entries(by).map(([dimension, groups]) => [dimension, groups.map(({ value }) => value)]),
  );
  expect(values).toEqual({
    station: ['ROOM1', 'ROOM 2', '(none)'],
    device: ['ACME X', '(none)'],
    department: ['ER', '(none)'],
    month: ['2025-12', '2026-03', '(none)'],
    category: ['knee_ap'],
  });
  const figures = by.station?.[1]?.figures.wrongBodyPartByNetwork;
  expect(figures).toMatchObject({ count: 1, of: 1, share: 1, high: 1, examples: [wrong.instance] });
  // R. G. Newcombe, Statistics in Medicine 1998;17:857–872, method 3: 1 of 1 gives 0.207 to 1.
  expect(figures?.low).toBeCloseTo(0.2065, 4);
});

test('ten thousand radiographs of as many stations make no larger report than a few hundred', () => {
  const tally = new Tally({
    relations: new Relations(words),
    categories,
    networkScore: 0.9,
    dimensions: ['station'],
  });
  for (let n = 0; n < 10_000; n++)
    tally.add({ ...radiograph(), instance: idOf(n), declared: { station: `S${n}`, bodyPart: 'FOOT' } });
  const { all, by } = reportOf(tally, { when: new Date(0), plainview: '1', networkScore: 0.9 });
  expect(all.figures.wrongBodyPartByNetwork).toMatchObject({ count: 10_000, of: 10_000 });
  expect(all.figures.wrongBodyPartByNetwork.examples).toHaveLength(12);
  expect(by.station).toHaveLength(401);
  expect(by.station?.at(-1)).toMatchObject({ value: '(further values)', radiographs: 9600 });
  expect(by.station?.reduce((sum, { radiographs }) => sum + radiographs, 0)).toBe(10_000);
});
