import type { Logger } from 'pino';
import { settledOrAborted } from '../async/settled-or-aborted.js';
import type { StateProbe } from '../store/state-probe.js';

const defaultIntervalMs = 10_000;

interface Parts {
  probe: StateProbe;
  measureLag: () => Promise<void>;
  /** Other than the default in tests alone. */
  intervalMs?: number | undefined;
  log: Logger;
}

/** Finds out regularly what no job tells: whether the state folder can be written, and how far the change log is behind. */
export class Monitor {
  readonly #parts: Parts;
  #timer: NodeJS.Timeout | undefined;
  /** All that were begun: the first can hang while others end. */
  #looks: Promise<unknown> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    await this.#look();
    this.#timer = setInterval(() => {
      this.#looks = Promise.all([this.#looks, this.#look()]);
    }, this.#parts.intervalMs ?? defaultIntervalMs);
  }

  /** After this, the state is not written: another process may have it. */
  async stop(deadline: AbortSignal): Promise<void> {
    clearInterval(this.#timer);
    await settledOrAborted(this.#looks, deadline);
  }

  async #look(): Promise<void> {
    const { probe, measureLag, log } = this.#parts;
    const before = probe.problem;
    await probe.try();
    if (probe.problem !== before)
      if (probe.problem !== undefined) log.error(probe.problem);
      else log.info('the state can be written again');
    await measureLag();
  }
}
