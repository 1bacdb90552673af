/** What is on a disk under one name, and what was written over it since but not synced. */
export class Versions<T> {
  #synced: T;
  #later: { at: number; value: T }[] = [];

  constructor(synced: T) {
    this.#synced = synced;
  }

  /** What the running system sees. */
  get now(): T {
    const last = this.#later.at(-1);
    return last === undefined ? this.#synced : last.value;
  }

  /** All that a power cut may leave. */
  get possible(): [T, ...T[]] {
    return [this.#synced, ...this.#later.map(({ value }) => value)];
  }

  write(at: number, value: T): void {
    this.#later.push({ at, value });
  }

  /** @param began when the sync began: it covers what was written before */
  sync(began: number): void {
    const covered = this.#later.findLast(({ at }) => at < began);
    if (covered !== undefined) this.#synced = covered.value;
    this.#later = this.#later.filter(({ at }) => at >= began);
  }
}

/**
 * Runs `build` with every combination of choices, or with `limit` of them by chance where there are more. Each run may
 * meet other choices.
 */
export function* combinations<T>(
  build: (choose: <C>(options: readonly [C, ...C[]]) => C) => T,
  limit: number,
  random: () => number,
): Generator<T> {
  let taken: { index: number; of: number }[] = [];
  for (let runs = 1; ; runs++) {
    const isSample = runs > limit / 2;
    let step = 0;
    const result = build((options) => {
      taken[step] ??= { index: 0, of: options.length };
      const choice = isSample ? Math.floor(random() * options.length) : (taken[step]?.index ?? 0);
      step++;
      return options[choice] ?? options[0];
    });
    yield result;
    if (runs >= limit) return;
    if (isSample) continue;
    // As an odometer: the last choice that has an option left goes on, those after it begin again.
    while (taken.length > 0 && isLast(taken.at(-1))) taken = taken.slice(0, -1);
    const turned = taken.at(-1);
    if (turned === undefined) return;
    turned.index++;
  }
}

const isLast = (choice: { index: number; of: number } | undefined): boolean =>
  choice !== undefined && choice.index === choice.of - 1;
