import { setTimeout as delay } from 'node:timers/promises';

/** Asks until the answer is yes. @throws after `withinMs` */
export async function until(
  what: string,
  isSo: () => Promise<boolean>,
  { everyMs = 50, withinMs = 60_000 } = {},
): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await isSo()); await delay(everyMs))
    if (Date.now() > deadline) throw new Error(`${what}: not within ${withinMs / 1000} s`);
}

/**
 * Waits until the number is 0, for as long as it changes at all.
 * @returns what is left where it has stood still for `stillMs`
 */
export async function untilNothingIsLeft(
  left: () => Promise<number>,
  { stillMs = 90_000, everyMs = 500 } = {},
): Promise<number> {
  let last = Number.POSITIVE_INFINITY;
  for (let changed = Date.now(); ; await delay(everyMs)) {
    const now = await left();
    if (now === 0) return 0;
    if (now !== last) changed = Date.now();
    if (Date.now() - changed > stillMs) return now;
    last = now;
  }
}
