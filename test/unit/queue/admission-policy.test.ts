import { expect, test } from 'vitest';
import { AdmissionPolicy } from '../../../src/queue/admission-policy.js';

const courtesy = () => new AdmissionPolicy({ concurrency: 4, backlog: 1 });
const wait = Number.POSITIVE_INFINITY;

test('without notices, a backlog takes its share at once and no more', () => {
  const quiet = courtesy();
  expect(quiet.waitMs('backlog', 0, 10)).toBe(0);
  expect(quiet.waitMs('backlog', 1, 10)).toBe(wait);
  expect(quiet.waitMs('urgent', 3, 10)).toBe(0);
  expect(quiet.waitMs('urgent', 4, 10)).toBe(wait);
});

test('a backlog makes way for a second after a picture was stored; the picture itself waits for nothing', () => {
  const busy = courtesy();
  busy.recordBacklogStart(4000);
  busy.recordNotice(5000);
  expect(busy.waitMs('urgent', 0, 5000)).toBe(0);
  expect(busy.waitMs('backlog', 0, 5400)).toBe(600);
  expect(busy.waitMs('backlog', 0, 6000)).toBe(0);
});

test('a backlog gets a turn although notices never end', () => {
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

test('while a stack pours in, one job at a time, and rests five times as long', () => {
  const poured = courtesy();
  for (const now of [0, 20, 40, 60]) poured.recordNotice(now);
  expect(poured.waitMs('urgent', 1, 60)).toBe(0);
  poured.recordNotice(80);
  // It may be over before the running job is.
  expect(poured.waitMs('urgent', 1, 80)).toBe(1000);
  poured.recordJobEnd(30, 80);
  expect(poured.waitMs('urgent', 0, 80)).toBe(250);
  // The stack is over: what is left of the rest is taken, then all at once.
  expect(poured.waitMs('urgent', 3, 1200)).toBe(0);
});

test('500 pictures in a minute are no stack: each is taken up when it comes', () => {
  const reader = courtesy();
  for (let n = 0; n < 500; n++) {
    reader.recordNotice(n * 120);
    reader.recordJobEnd(n * 120, n * 120 + 90);
    expect(reader.waitMs('urgent', 0, n * 120 + 90)).toBe(0);
  }
});
