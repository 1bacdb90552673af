import { expect, test } from 'vitest';
import type { Recorded } from '../../../src/decisions/record-writer.js';
import { instanceId, studyId } from '../../../src/orthanc/ids.js';
import { emptyCounts } from '../../../src/statistics/daily-counts.js';
import { ExposureCounter } from '../../../src/statistics/exposures.js';
import { decidedAs } from '../../../testkit/fake-site.js';

const id = (digit: number) => `${digit}`.repeat(8).concat(`-${`${digit}`.repeat(8)}`.repeat(4));

function recorded(digit: number, isForProcessing: boolean, category: string): Recorded {
  const exposure = { image: `${digit}`, study: '1', event: '9', isForProcessing, isDerived: false };
  const decided = decidedAs(category, { when: '2024-03-01T10:00:00.000Z' });
  return {
    instance: instanceId.parse(id(digit)),
    study: studyId.parse(id(0)),
    record: { version: 1, labels: [], ...decided, exposure },
    previous: undefined,
    sameExposure: [],
  };
}

test.each([false, true])(
  'two pictures recorded at one time, of which only one saw the other, are counted once; raw first: %s',
  (isRawFirst) => {
    const raw = recorded(1, true, 'knee_ap');
    const shown = recorded(2, false, 'hand_ap');
    const [first, second] = isRawFirst ? [raw, shown] : [shown, raw];
    const sees: Recorded = { ...first, sameExposure: [second] };
    const counts = emptyCounts();
    const counter = new ExposureCounter('2024-01-01T00:00:00.000Z');
    counter.count(counts, sees);
    counter.count(counts, second);
    expect(counts.days['2024-03-01']?.categories).toEqual({ hand_ap: 1 });
  },
);

test('a decision that is made again counts as before, with the exposure or without', () => {
  const counts = emptyCounts();
  const counter = new ExposureCounter('2024-01-01T00:00:00.000Z');
  const first = recorded(1, false, 'knee_ap');
  counter.count(counts, first);
  const { exposure: _, ...previous } = first.record;
  const again = { ...first, record: { ...first.record, when: '2024-03-02T10:00:00.000Z' }, previous };
  counter.count(counts, again);
  expect(counts.days['2024-03-02']?.categories).toEqual({ knee_ap: 1 });
});
