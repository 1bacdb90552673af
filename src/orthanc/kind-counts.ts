/** Kinds that are counted by name. The senders of files choose them, so their number has a limit. */
const mostKinds = 64;
const codeString = /^[A-Z0-9_ ]{1,16}$/;

/** Counts what is no radiograph by its kind: see `kindsOf`. */
export class KindCounts {
  readonly #counts = new Map<string, number>();

  /** @returns the name under which it is counted, and whether that is the first */
  count([kind = 'none']: readonly string[]): { kind: string; isFirst: boolean } {
    const isNamed = this.#counts.has(kind) || (this.#counts.size < mostKinds && codeString.test(kind));
    const name = kind === 'none' || isNamed ? kind : 'other';
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return { kind: name, isFirst: count === 1 };
  }

  get all(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
