/** Numbers that are missing in the part of the log that was read. */
interface Gap {
  from: number;
  to: number;
  /** What the clock of the log said when a higher number was known to exist. */
  since: number;
  /** When that was, and when the numbers are asked for next; milliseconds. */
  found: number;
  due: number;
}

interface Options {
  /** How long a missing number is asked for, by the clock of the log, milliseconds. */
  boundMs: number;
  /** Shortest time between two questions for one number, milliseconds. */
  everyMs: number;
}

/** Limits the memory. A site has fewer than a hundred, unless its log is read for the first time. */
const maxGaps = 50_000;
/** A pause of the log counts as at most this part of the bound. */
const longestStep = 0.1;

/**
 * The missing numbers of a log whose writers take numbers from a sequence. Each is a transaction that was rolled back, a
 * deleted entry, or a transaction that is still under way: its entry comes later. They are asked for again at growing
 * intervals, until they come or the bound has passed.
 *
 * The bound is measured by the clock of the log: it advances only while the log grows. So it stands still while Orthanc or
 * its database does, and while this process is down.
 */
export class Gaps {
  readonly #boundMs: number;
  readonly #everyMs: number;
  /** In ascending order. */
  #gaps: Gap[] = [];
  #clock = 0;
  /** The highest number that is known to exist, and when the log was last seen to grow. */
  #end = 0;
  #grown = performance.now();
  /** Numbers up to this one were in use when reading began. */
  #horizon = { end: 0, since: 0, found: 0 };

  constructor({ boundMs, everyMs }: Options) {
    this.#boundMs = boundMs;
    this.#everyMs = everyMs;
  }

  get count(): number {
    return this.#gaps.length;
  }

  /** The lowest number that may still come. */
  get first(): number | undefined {
    return this.#gaps[0]?.from;
  }

  /** What the clock of the log says, in milliseconds. */
  get clock(): number {
    return this.#clock;
  }

  /** Advances the clock where the log has grown. */
  recordEnd(end: number): void {
    if (end <= this.#end) return;
    const now = performance.now();
    this.#clock += Math.min(now - this.#grown, this.#boundMs * longestStep);
    this.#end = end;
    this.#grown = now;
  }

  /** Reading begins at the log's end as it is now. Older numbers that are missing cannot come later than from now on. */
  begin(end: number): void {
    this.recordEnd(end);
    this.#horizon = { end, since: this.#clock, found: performance.now() };
  }

  /**
   * Adds what is missing in a page.
   * @param after the number up to which the log had been read
   * @returns the number of gaps that are given up because there are too many
   */
  addMissing(after: number, numbers: readonly number[]): number {
    const now = performance.now();
    this.recordEnd(numbers.at(-1) ?? 0);
    for (const range of missing(after, numbers)) {
      const isOld = range.to < this.#horizon.end;
      const { since, found } = isOld ? this.#horizon : { since: this.#clock, found: now };
      this.#gaps.push({ ...range, since, found, due: this.#nextDue({ since, found }) });
    }
    return this.#gaps.splice(0, Math.max(0, this.#gaps.length - maxGaps)).length;
  }

  /** @returns the first missing number that is to be asked for now */
  due(): number | undefined {
    const now = performance.now();
    return this.#gaps.find((gap) => gap.due <= now)?.from;
  }

  /** @returns those of the numbers that are missing */
  amongMissing(numbers: readonly number[]): Set<number> {
    const [first = 0, last = 0] = [numbers[0], numbers.at(-1)];
    const near = this.#gaps.filter(({ from, to }) => from <= last && to >= first);
    return new Set(numbers.filter((number) => near.some(({ from, to }) => from <= number && number <= to)));
  }

  /**
   * Takes note of an answer: all entries from `from`, the first number of a gap, to `to`.
   * @param numbers those that are there
   * @param asked what the clock said before the question
   */
  recordAnswer(from: number, to: number, numbers: readonly number[], asked: number): void {
    const begin = this.#gaps.findIndex((gap) => gap.to >= from);
    if (begin === -1) return;
    const after = this.#gaps.findIndex((gap) => gap.from > to);
    const end = after === -1 ? this.#gaps.length : after;
    const open = this.#gaps.slice(begin, end).flatMap((gap) => {
      const rest = gap.to > to ? [{ ...gap, from: to + 1 }] : [];
      if (asked - gap.since >= this.#boundMs) return rest;
      const due = this.#nextDue(gap);
      const answered = Math.min(gap.to, to) + 1;
      const there = numbers.filter((number) => gap.from <= number && number < answered);
      const ranges = missing(gap.from - 1, [...there, answered]);
      return [...ranges.map((range) => ({ ...gap, ...range, due })), ...rest];
    });
    this.#gaps = [...this.#gaps.slice(0, begin), ...open, ...this.#gaps.slice(end)];
  }

  /** The older a gap is, the rarer it is asked for, but soon after the bound. Most that come are late by less than a second. */
  #nextDue({ since, found }: Pick<Gap, 'since' | 'found'>): number {
    const now = performance.now();
    const untilBound = Math.max(since + this.#boundMs - this.#clock, this.#boundMs * longestStep);
    return now + Math.max(this.#everyMs, Math.min(now - found, untilBound));
  }
}

/** @returns the numbers after `after` that are missing among ascending ones */
function missing(after: number, numbers: readonly number[]): { from: number; to: number }[] {
  return numbers.flatMap((number, index) => {
    const previous = numbers[index - 1] ?? after;
    return number > previous + 1 ? [{ from: previous + 1, to: number - 1 }] : [];
  });
}
