/** Somebody on the way to a point where those of one key do something in common. */
export interface Arrival<T> {
  /**
   * Waits for the others that are on their way, but not for long. Then one task is run for all that have arrived.
   * @param task the same for all of the key
   * @returns the result of a run that began after this call
   */
  arrive(task: () => Promise<T>): Promise<T>;
  /** Does not come, or has been: nobody waits any more. */
  leave(): void;
  /** Of one that is on the way: whether others of the key are too, or wait. */
  hasCompany(): boolean;
}

interface Waiting<T> {
  task: () => Promise<T>;
  begin: (run: Promise<T>) => void;
}

interface Group<T> {
  coming: number;
  readonly waiting: Set<Waiting<T>>;
}

/** Makes one run of what several that come at about the same time want done. */
export class Gathering<K, T> {
  readonly #longestMs: number;
  readonly #groups = new Map<K, Group<T>>();

  /** @param longestMs of a wait for others, milliseconds */
  constructor(longestMs: number) {
    this.#longestMs = longestMs;
  }

  /** Whoever is on the way must arrive or leave. */
  comes(key: K): Arrival<T> {
    const group = this.#groups.get(key) ?? { coming: 0, waiting: new Set() };
    this.#groups.set(key, group);
    group.coming++;
    let isComing = true;
    const leave = () => {
      if (!isComing) return;
      isComing = false;
      group.coming--;
      if (group.coming > 0) return;
      if (this.#groups.get(key) === group) this.#groups.delete(key);
      const [first] = group.waiting;
      if (first !== undefined) begin(group, first.task());
    };
    const arrive = (task: () => Promise<T>) => {
      if (!isComing) return task();
      return new Promise<T>((resolve) => {
        const timer = setTimeout(() => {
          group.waiting.delete(waiting);
          resolve(task());
        }, this.#longestMs);
        const waiting: Waiting<T> = {
          task,
          begin: (run) => {
            clearTimeout(timer);
            resolve(run);
          },
        };
        group.waiting.add(waiting);
        leave();
      });
    };
    const hasCompany = () => group.coming + group.waiting.size > 1;
    return { arrive, leave, hasCompany };
  }
}

function begin<T>({ waiting }: Group<T>, run: Promise<T>): void {
  for (const each of waiting) each.begin(run);
  waiting.clear();
}
