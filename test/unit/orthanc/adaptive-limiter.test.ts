import { expect, test, vi } from 'vitest';
import { AdaptiveLimiter } from '../../../src/orthanc/adaptive-limiter.js';

/** Calls that end when the test says so. */
function held() {
  const ends: (() => void)[] = [];
  let underway = 0;
  let most = 0;
  const call = async () => {
    most = Math.max(most, ++underway);
    await new Promise<void>((resolve) => ends.push(resolve));
    underway--;
  };
  return { call, ends, most: () => most };
}

test('no more calls are under way than may be', async () => {
  const load = new AdaptiveLimiter({ most: 3, perSecond: 0 });
  const { call, ends, most } = held();
  const all = Promise.all(Array.from({ length: 10 }, () => load.run(false, call)));
  let done = false;
  void all.then(() => {
    done = true;
  });
  while (!done) {
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(most()).toBe(3);
});

test('a call that fails makes room like any other', async () => {
  const load = new AdaptiveLimiter({ most: 1, perSecond: 0 });
  await expect(load.run(true, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await load.run(true, async () => 'yes')).toBe('yes');
});

test('slow answers lower the limit to one, quick ones raise it again', () => {
  const load = new AdaptiveLimiter({ most: 8, perSecond: 0 });
  for (let n = 0; n < 50; n++) load.observe(3);
  expect(load.limit).toBe(8);
  for (let n = 0; n < 300; n++) load.observe(400);
  expect(load.limit).toBe(1);
  for (let n = 0; n < 1000; n++) load.observe(3);
  expect(load.limit).toBe(8);
});

test('time-outs lower it as slow answers do', async () => {
  vi.useFakeTimers();
  try {
    const load = new AdaptiveLimiter({ most: 8, perSecond: 0 });
    for (let n = 0; n < 50; n++) load.observe(3);
    for (let n = 0; n < 100; n++) {
      const timedOut = load.run(true, async () => {
        await vi.advanceTimersByTimeAsync(400);
        throw new Error('timed out');
      });
      await expect(timedOut).rejects.toThrow('timed out');
    }
    expect(load.limit).toBeLessThan(8);
  } finally {
    vi.useRealTimers();
  }
});

test('an Orthanc that is slow by nature is not held for busy', () => {
  const load = new AdaptiveLimiter({ most: 8, perSecond: 0 });
  for (let n = 0; n < 500; n++) load.observe(120 + (n % 7) * 10);
  expect(load.limit).toBe(8);
});

test('calls are spread over the second', async () => {
  const load = new AdaptiveLimiter({ most: 8, perSecond: 200 });
  const began = performance.now();
  await Promise.all(Array.from({ length: 21 }, () => load.run(false, async () => undefined)));
  // Twenty spaces of 5 ms; a timer never ends early by more than a millisecond.
  expect(performance.now() - began).toBeGreaterThan(80);
});

test('the ceiling holds nobody up once all is over', async () => {
  const over = new AbortController();
  const load = new AdaptiveLimiter({ most: 2, perSecond: 0.001, ended: over.signal });
  await load.run(false, async () => undefined);
  const next = load.run(false, async () => 'let through');
  over.abort();
  expect(await next).toBe('let through');
});
