import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { Watermark } from '../../../src/intake/watermark.js';

test('is settled up to the first open entry, in whatever order the others settle', () => {
  const frontier = new Watermark(10, 100);
  const [eleven, twelve, fifteen] = [frontier.open(11), frontier.open(12), frontier.open(15)];
  frontier.advance(20);
  expect(frontier.settled).toBe(10);
  twelve();
  fifteen();
  expect(frontier.settled).toBe(10);
  eleven();
  expect(frontier.settled).toBe(20);
});

test('is settled up to the lowest open entry, also where that one came late', () => {
  const frontier = new Watermark(10, 100);
  const fifteen = frontier.open(15);
  frontier.advance(20);
  const twelve = frontier.open(12);
  expect(frontier.settled).toBe(11);
  twelve();
  expect(frontier.settled).toBe(14);
  fifteen();
  expect(frontier.settled).toBe(20);
});

test('an entry with several jobs is open until all of them are settled', () => {
  const frontier = new Watermark(0, 100);
  const [first, second] = [frontier.open(1), frontier.open(1)];
  frontier.advance(5);
  first();
  expect(frontier.settled).toBe(0);
  second();
  expect(frontier.settled).toBe(5);
});

test('makes the reader wait while too many jobs are open', async () => {
  const frontier = new Watermark(0, 2);
  const { signal } = new AbortController();
  const settle = [frontier.open(1), frontier.open(2)];
  let passed = false;
  const waiting = frontier.waitForCapacity(signal).then(() => {
    passed = true;
  });
  await Promise.resolve();
  expect(passed).toBe(false);
  settle[1]?.();
  await waiting;
  expect(frontier.openJobs).toBe(1);
});

test('an abort ends the wait', async () => {
  const frontier = new Watermark(0, 1);
  frontier.open(1);
  const stop = new AbortController();
  const waiting = frontier.waitForCapacity(stop.signal);
  stop.abort();
  await waiting;
});

test('leaves no listener on the signal', async () => {
  const frontier = new Watermark(0, 1);
  const { signal } = new AbortController();
  for (let position = 1; position <= 20; position++) {
    const settle = frontier.open(position);
    const waiting = frontier.waitForCapacity(signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    settle();
    await waiting;
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
