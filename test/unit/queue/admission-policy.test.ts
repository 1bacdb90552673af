import { expect, test } from 'vitest';
import { AdmissionPolicy } from '../../../src/queue/admission-policy.js';

const courtesy = () => new AdmissionPolicy({ concurrency: 4, backlog: 1 });
const wait = Number.POSITIVE_INFINITY;

test('without notices, the backlog starts its jobs at once, up to its limit', () => {
  const quiet = courtesy();
  expect(quiet.waitMs('backlog', 0, 10)).toBe(0);
  expect(quiet.waitMs('backlog', 1, 10)).toBe(wait);
  expect(quiet.waitMs('urgent', 3, 10)).toBe(0);
  expect(quiet.waitMs('urgent', 4, 10)).toBe(wait);
});

test('the backlog pauses for a second after a picture was stored; the job of that picture starts at once', () => {
  const busy = courtesy();
  busy.recordBacklogStart(4000);
  busy.recordNotice(5000);
  expect(busy.waitMs('urgent', 0, 5000)).toBe(0);
  expect(busy.waitMs('backlog', 0, 5400)).toBe(600);
  expect(busy.waitMs('backlog', 0, 6000)).toBe(0);
});

test('one job of the backlog starts from time to time although notices never end', () => {
  const busy = courtesy();
  const begun: number[] = [];
  for (let now = 0; now < 60_000; now += 500) {
    busy.recordNotice(now);
    if (busy.waitMs('backlog', 0, now) > 0) continue;
    busy.recordBacklogStart(now);
    begun.push(now);
  }
  expect(begun.length).toBeGreaterThan(10);
  expect(begun.length).toBeLessThan(14);
});

test('in a burst one job runs at a time, followed by a pause of five times its duration', () => {
  const poured = courtesy();
  for (const now of [0, 20, 40, 60]) poured.recordNotice(now);
  expect(poured.waitMs('urgent', 1, 60)).toBe(0);
  poured.recordNotice(80);
  // The burst may be over before the running job ends.
  expect(poured.waitMs('urgent', 1, 80)).toBe(1000);
  poured.recordJobEnd(30, 80);
  expect(poured.waitMs('urgent', 0, 80)).toBe(250);
  // The burst is over: the rest of the pause passes, then all jobs start.
  expect(poured.waitMs('urgent', 3, 1200)).toBe(0);
});

test('500 pictures in a minute are no burst: each job starts at once', () => {
  const reader = courtesy();
  for (let n = 0; n < 500; n++) {
    reader.recordNotice(n * 120);
    reader.recordJobEnd(n * 120, n * 120 + 90);
    expect(reader.waitMs('urgent', 0, n * 120 + 90)).toBe(0);
  }
});
