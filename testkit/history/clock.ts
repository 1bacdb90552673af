/** Waits of this length are pauses before another try: longer ones are time limits. */
const pauses = { from: 300, to: 5000, factor: 20 };

/** The time of day, which can be set. Pauses of a second before another try take a twentieth of it. */
export class Clock {
  readonly #realDate = globalThis.Date;
  readonly #realSetTimeout = globalThis.setTimeout;
  #offset = 0;
  wasSetBack = false;

  constructor() {
    const [real, offset] = [this.#realDate, () => this.#offset];
    globalThis.Date = class extends real {
      constructor(...given: [] | [number | string | Date]) {
        if (given.length === 0) super(real.now() + offset());
        else super(...given);
      }
      static override now() {
        return real.now() + offset();
      }
    } as DateConstructor;
    const shorter = (ms = 0) => (ms >= pauses.from && ms <= pauses.to ? ms / pauses.factor : ms);
    globalThis.setTimeout = Object.assign(
      (task: (...given: unknown[]) => void, ms?: number, ...given: unknown[]) =>
        this.#realSetTimeout(task, shorter(ms), ...given),
      this.#realSetTimeout,
    );
  }

  step(hours: number): void {
    this.wasSetBack ||= hours < 0;
    this.#offset += hours * 3_600_000;
  }

  restore(): void {
    globalThis.Date = this.#realDate;
    globalThis.setTimeout = this.#realSetTimeout;
  }
}
