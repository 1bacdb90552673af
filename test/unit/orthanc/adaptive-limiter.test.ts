import { expect, test, vi } from 'vitest';
import { AdaptiveLimiter } from '../../../src/orthanc/adaptive-limiter.js';

/** Calls that the test ends. */
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

test('never runs more calls than the limit', async () => {
  const limiter = new AdaptiveLimiter({ maxConcurrent: 3, perSecond: 0 });
  const { call, ends, most } = held();
  const all = Promise.all(Array.from({ length: 10 }, () => limiter.run(false, call)));
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

test('a failed call frees its place', async () => {
  const limiter = new AdaptiveLimiter({ maxConcurrent: 1, perSecond: 0 });
  await expect(limiter.run(true, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await limiter.run(true, async () => 'yes')).toBe('yes');
});

test('slow responses lower the limit to one, quick ones raise it again', () => {
  const limiter = new AdaptiveLimiter({ maxConcurrent: 8, perSecond: 0 });
  for (let n = 0; n < 50; n++) limiter.observe(3);
  expect(limiter.limit).toBe(8);
  for (let n = 0; n < 300; n++) limiter.observe(400);
  expect(limiter.limit).toBe(1);
  for (let n = 0; n < 1000; n++) limiter.observe(3);
  expect(limiter.limit).toBe(8);
});

test('time-outs lower the limit as slow responses do', async () => {
  vi.useFakeTimers();
  try {
    const limiter = new AdaptiveLimiter({ maxConcurrent: 8, perSecond: 0 });
    for (let n = 0; n < 50; n++) limiter.observe(3);
    for (let n = 0; n < 100; n++) {
      const timedOut = limiter.run(true, async () => {
        await vi.advanceTimersByTimeAsync(400);
        throw new Error('timed out');
      });
      await expect(timedOut).rejects.toThrow('timed out');
    }
    expect(limiter.limit).toBeLessThan(8);
  } finally {
    vi.useRealTimers();
  }
});

test('an Orthanc that is always slow does not count as busy', () => {
  const limiter = new AdaptiveLimiter({ maxConcurrent: 8, perSecond: 0 });
  for (let n = 0; n < 500; n++) limiter.observe(120 + (n % 7) * 10);
  expect(limiter.limit).toBe(8);
});

test('calls are spread evenly over a second', async () => {
  const limiter = new AdaptiveLimiter({ maxConcurrent: 8, perSecond: 200 });
  const began = performance.now();
  await Promise.all(Array.from({ length: 21 }, () => limiter.run(false, async () => undefined)));
  // Twenty intervals of 5 ms. A timer ends at most one millisecond early.
  expect(performance.now() - began).toBeGreaterThan(80);
});

test('processes that share the calls a second make as many as one, all together', async () => {
  const began = performance.now();
  const limiter = new AdaptiveLimiter({ maxConcurrent: 20, perSecond: 200 });
  limiter.shareRate(4);
  await Promise.all(Array.from({ length: 6 }, () => limiter.run(false, async () => undefined)));
  // The first at once, five more every 20 ms. A timer may end a millisecond early.
  expect(performance.now() - began).toBeGreaterThanOrEqual(95);
});

test('no call waits for the limit per second after the stop', async () => {
  const over = new AbortController();
  const limiter = new AdaptiveLimiter({ maxConcurrent: 2, perSecond: 0.001, stopped: over.signal });
  await limiter.run(false, async () => undefined);
  const next = limiter.run(false, async () => 'let through');
  over.abort();
  expect(await next).toBe('let through');
});
