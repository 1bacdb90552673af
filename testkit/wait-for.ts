import { setTimeout as delay } from 'node:timers/promises';

/**
 * Repeats the condition until its result is neither undefined nor false.
 * @returns this result
 * @throws after `timeout` milliseconds
 */
export async function waitFor<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  { timeout = 40_000, what = 'the condition', everyMs = 20 } = {},
): Promise<T> {
  const deadline = Date.now() + timeout;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`${what} did not come true within ${timeout} ms`);
    await delay(everyMs);
  }
}

/**
 * Waits until the number is 0.
 * @returns 0, or the number where it has not changed for `stillMs`
 */
export async function waitForZero(
  count: () => Promise<number>,
  { stillMs = 90_000, everyMs = 500 } = {},
): Promise<number> {
  let last = Number.POSITIVE_INFINITY;
  for (let changed = Date.now(); ; await delay(everyMs)) {
    const now = await count();
    if (now === 0) return 0;
    if (now !== last) changed = Date.now();
    if (Date.now() - changed > stillMs) return now;
    last = now;
  }
}
