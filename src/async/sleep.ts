import { setTimeout as delay } from 'node:timers/promises';

/** Waits until the time has passed or the signal aborts. It never throws. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** A sleep that `wake` can end early. At most one caller may sleep at a time. */
export class WakeableTimer {
  readonly #signal: AbortSignal;
  #wake: (() => void) | undefined;

  /** @param signal once aborted, `sleep` returns at once. The abort does not end a running sleep: call `wake` too. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** @param ms undefined: until `wake` */
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
