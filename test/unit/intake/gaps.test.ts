import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Gaps } from '../../../src/intake/gaps.js';

const minute = 60_000;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});
const pass = (ms: number) => vi.advanceTimersByTime(ms);

const newGaps = () => new Gaps({ boundMs: 10 * minute, everyMs: 2000 });
/** Asks for what is due, until nothing is. The log has these numbers. @returns the numbers asked for */
function lookBack(gaps: Gaps, numbers: readonly number[] = []): number[] {
  const asked: number[] = [];
  for (let first = gaps.due(); first !== undefined; first = gaps.due()) {
    asked.push(first);
    const from = first;
    gaps.recordAnswer(
      from,
      Number.MAX_SAFE_INTEGER,
      numbers.filter((number) => number >= from),
      gaps.clock,
    );
  }
  return asked;
}
/** The log grows by one entry every two seconds. */
function grow(gaps: Gaps, from: number, ms: number): number {
  let end = from;
  for (let passed = 0; passed < ms; passed += 2000) {
    pass(2000);
    gaps.addMissing(end, [end + 1]);
    end++;
    lookBack(gaps);
  }
  return end;
}

test('a log without missing numbers has no gaps, and nothing is due', () => {
  const gaps = newGaps();
  gaps.addMissing(0, [1, 2, 3]);
  gaps.addMissing(3, [4, 5]);
  expect([gaps.count, gaps.first]).toEqual([0, undefined]);
  pass(minute);
  expect(gaps.due()).toBeUndefined();
});

test('missing numbers are held as ranges: within a page, before it and between pages', () => {
  const gaps = newGaps();
  gaps.addMissing(0, [1, 2000, 2002]);
  gaps.addMissing(2002, [2010]);
  expect(gaps.count).toBe(3);
  expect(gaps.first).toBe(2);
  expect([...gaps.amongMissing([1, 2, 1999, 2000, 2001, 2005, 2010])]).toEqual([2, 1999, 2001, 2005]);
});

test('what came splits its range, and the rest stays open', () => {
  const gaps = newGaps();
  gaps.addMissing(0, [10]);
  gaps.recordAnswer(1, 10, [1, 4, 9, 10], gaps.clock);
  expect(gaps.count).toBe(2);
  expect([...gaps.amongMissing([1, 2, 3, 4, 5, 8, 9, 10])]).toEqual([2, 3, 5, 8]);
});

test('a page that ends in a range answers only its first part', () => {
  const gaps = newGaps();
  gaps.addMissing(0, [1000]);
  pass(2000);
  gaps.recordAnswer(1, 200, [1, 200], gaps.clock);
  expect([...gaps.amongMissing([1, 2, 199, 200, 201, 999])]).toEqual([2, 199, 201, 999]);
  expect(gaps.due()).toBe(201);
});

test('a range is asked for at growing intervals, and one answer serves all ranges in it', () => {
  const gaps = newGaps();
  gaps.addMissing(0, [5, 9]);
  const times: number[] = [];
  for (let second = 2; second <= 600; second += 2) {
    pass(2000);
    if (lookBack(gaps).length > 0) times.push(second);
  }
  expect(times).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512]);
});

describe('the bound', () => {
  test('a number that does not come is given up after it, and not before', () => {
    const gaps = newGaps();
    gaps.addMissing(0, [1, 3]);
    const end = grow(gaps, 3, 10 * minute - 2000);
    expect(gaps.first).toBe(2);
    grow(gaps, end, minute);
    expect(gaps.count).toBe(0);
  });

  test('does not count time in which the log does not grow', () => {
    const gaps = newGaps();
    gaps.addMissing(0, [1, 3]);
    for (let hours = 0; hours < 24; hours++) {
      pass(60 * minute);
      lookBack(gaps);
    }
    expect(gaps.first).toBe(2);
    gaps.addMissing(3, [4]);
    pass(2000);
    lookBack(gaps);
    expect(gaps.first).toBe(2);
  });

  test('is not reached by a question that was asked before it', () => {
    const gaps = newGaps();
    gaps.addMissing(0, [1, 3]);
    const asked = gaps.clock;
    for (let steps = 0; steps < 20; steps++) {
      pass(minute);
      gaps.addMissing(3 + steps, [4 + steps]);
    }
    gaps.recordAnswer(2, 30, [], asked);
    expect(gaps.first).toBe(2);
    gaps.recordAnswer(2, 30, [], gaps.clock);
    expect(gaps.count).toBe(0);
  });

  test('of numbers that were in use when reading began counts from then', () => {
    const gaps = newGaps();
    gaps.begin(1000);
    for (let end = 1000; end < 1020; end++) {
      pass(minute);
      gaps.recordEnd(end + 1);
    }
    gaps.addMissing(0, [10, 1010]);
    const asked = gaps.clock;
    gaps.recordAnswer(1, 1010, [10, 1010], asked);
    expect(gaps.first).toBe(11);
    expect(gaps.count).toBe(1);
  });
});

test('a log with very many gaps needs little memory: the oldest are given up, and counted', () => {
  const gaps = newGaps();
  const numbers = Array.from({ length: 60_000 }, (_, index) => 2 * (index + 1));
  expect(gaps.addMissing(0, numbers)).toBe(10_000);
  expect(gaps.count).toBe(50_000);
  expect(gaps.first).toBe(20_001);
});
