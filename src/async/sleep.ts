import { setTimeout as delay } from 'node:timers/promises';

/** Waits, at most until the signal aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  // An abort is the other way for a pause to end, not an error.
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** A sleep that can be ended from outside, as when there is something to do after all. */
export class WakeableTimer {
  readonly #signal: AbortSignal;
  #wake: (() => void) | undefined;

  /** @param signal once aborted, nobody sleeps any more; whoever aborts it wakes the sleeper */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** @param ms without it, until woken */
  sleep(ms?: number): Promise<void> {
    if (this.#signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = ms === undefined ? undefined : setTimeout(wake, ms);
      this.#wake = wake;
    });
  }

  wake(): void {
    this.#wake?.();
  }
}
