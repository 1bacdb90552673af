import type { Logger } from 'pino';
import { WakeableTimer } from '../async/sleep.js';
import { asPlainviewError, type PlainviewError } from '../errors/errors.js';
import { changesCanBeLate } from '../orthanc/capabilities.js';
import type { Change, ChangePage } from '../orthanc/changes.js';
import { type GroupId, groupLevel, type InstanceId } from '../orthanc/ids.js';
import { inHalves } from '../orthanc/in-halves.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';
import type { Queue } from '../queue/queue.js';
import type { ChangeCursor } from './cursor.js';
import { Gaps } from './gaps.js';
import type { GroupRequests } from './reclassification/group-requests.js';
import { Watermark } from './watermark.js';

interface Parts {
  orthanc: Orthanc;
  queue: Queue;
  cursor: ChangeCursor;
  /** Whether a stored instance needs no job: it is decided. */
  isSettled: (instance: IdentifiedInstance) => Promise<boolean>;
  /**
   * Whether an instance whose metadata changed needs a job: a reclassification is requested, work is unfinished, or
   * another service recorded what a person said.
   */
  isUnfinished: (instance: IdentifiedInstance) => Promise<boolean>;
  groupRequests: Pick<GroupRequests, 'begin'>;
  /** Called when the change log may lack instances that were stored before now. */
  onLogCleared: () => void;
  /** Called when entries became visible after higher ones. */
  onLate: (entries: number) => void;
  /** Milliseconds between two polls after the log was read to its end. */
  pollMs: number;
  /** How long a missing number is looked for, milliseconds in which the log grows. */
  lateMs: number;
  log: Logger;
}

/** Changes read in one call. One more call reads their instances. */
const pageSize = 200;
/** Limits the jobs that this part has in the queue. */
const maxOpen = 1000;
/** Limits the calls for missing numbers before the log is read on. */
const maxPagesBack = 20;

const tooManyGaps =
  "Orthanc's change log has too many missing numbers: the oldest are no longer looked for. If an entry comes late there, a sweep finds its instance";

const newGaps = ({ lateMs, pollMs }: Parts) => new Gaps({ boundMs: lateMs, everyMs: pollMs });

/**
 * Reads Orthanc's change log, which holds every stored instance and every change of metadata. Enqueues the instances that
 * need a job. The cursor passes only settled changes, and no number that may still come, so a kill at any moment loses
 * nothing.
 */
export class Follower {
  readonly #parts: Parts;
  readonly #stop = new AbortController();
  readonly #timer = new WakeableTimer(this.#stop.signal);
  #watermark: Watermark;
  #gaps: Gaps;
  /** Whether numbers can become visible late. Then the log is read whole, so that missing ones are seen. */
  #canBeLate = false;
  #running: Promise<void> | undefined;
  #paused = true;
  /** Failed attempts since the log was last read. */
  #failures = 0;
  /** Whether the log is the one that the cursor belongs to. Checked again after each outage. */
  #isVerified = false;
  /** The end of the log, as far as it is known. */
  #end: number;
  #isAtEnd = false;
  #wasAtEnd = performance.now();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#watermark = new Watermark(parts.cursor.since, maxOpen);
    this.#gaps = newGaps(parts);
    this.#end = parts.cursor.since;
  }

  /** Starts reading, or goes on after a pause. */
  resume(): void {
    this.#paused = false;
    this.#isVerified = false;
    this.#timer.wake();
    this.#running ??= this.#follow();
  }

  /** How far the log is behind: changes that are not settled, and the time since it was read to its end. */
  get lag(): { changes: number; seconds: number } {
    return {
      changes: Math.max(0, this.#end - this.#watermark.settled),
      seconds: Math.round((performance.now() - this.#wasAtEnd) / 1000),
    };
  }

  /** Ranges of numbers that are missing and may still come. */
  get openGaps(): number {
    return this.#gaps.count;
  }

  /** Asks Orthanc for the end of the log while it is not read to its end. An Orthanc that does not answer changes nothing. */
  async measureLag(): Promise<void> {
    const { orthanc, log } = this.#parts;
    if (this.#isAtEnd || this.#paused) return;
    try {
      const last = await orthanc.changes.last();
      this.#gaps.recordEnd(last);
      if (!this.#isAtEnd) this.#end = last;
    } catch (error) {
      log.debug({ err: asPlainviewError(error) }, 'the end of the change log could not be read');
    }
  }

  pause(): void {
    this.#paused = true;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#timer.wake();
    await this.#running;
    await this.#parts.cursor.moveTo(this.#settled);
  }

  /** Everything up to this number is settled, also after a kill. */
  get #settled(): number {
    return Math.min(this.#watermark.settled, (this.#gaps.first ?? Number.POSITIVE_INFINITY) - 1);
  }

  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (this.#paused) {
        await this.#timer.sleep();
        continue;
      }
      try {
        if (!this.#isVerified) await this.#verify();
        const more = await this.#processPage();
        await this.#parts.cursor.moveTo(this.#settled);
        const moreMissing = await this.#lookBack();
        this.#failures = 0;
        if (!more && !moreMissing) await this.#timer.sleep(this.#parts.pollMs);
      } catch (caught) {
        const error = asPlainviewError(caught);
        if (!(await this.#parts.orthanc.isAway(error)))
          this.#parts.log.error({ err: error }, 'the change log could not be read');
        await this.#timer.sleep(Math.min(1000 * 2 ** this.#failures++, 60_000));
      }
    }
  }

  /** Detects by the bookmark that Orthanc's database was replaced, or that its log was cleared. */
  async #verify(): Promise<void> {
    const { orthanc, cursor, log, onLogCleared } = this.#parts;
    const { bookmark } = cursor;
    if (bookmark !== undefined) {
      const [first] = await orthanc.changes.after(bookmark.seq - 1, 1);
      if (first?.seq === bookmark.seq && first.id !== bookmark.id) await this.#restart();
      const [oldest] = await orthanc.changes.after(0, 1);
      if (oldest === undefined || oldest.seq > bookmark.seq) {
        log.warn("Orthanc's change log was cleared: a sweep of the archive finds what it held");
        onLogCleared();
        await cursor.clearBookmark();
      }
    }
    this.#canBeLate = changesCanBeLate(await orthanc.system());
    if (this.#canBeLate) this.#gaps.begin(await orthanc.changes.last());
    else this.#gaps = newGaps(this.#parts);
    this.#isVerified = true;
  }

  /** @returns whether more changes can be read now */
  async #processPage(): Promise<boolean> {
    const { orthanc, cursor, log } = this.#parts;
    const watermark = this.#watermark;
    const page = await orthanc.changes.page(watermark.read, pageSize, this.#canBeLate ? 'all' : 'needed');
    this.#isAtEnd = false;
    if (page.logIsShorter) {
      await this.#restart();
      return true;
    }
    await this.#enqueue(page, watermark.read + 1);
    if (this.#canBeLate) {
      const givenUp = this.#gaps.addMissing(watermark.read, page.numbers);
      if (givenUp > 0) log.warn({ gaps: givenUp }, tooManyGaps);
    }
    watermark.advance(page.next);
    const last = page.changes.at(-1);
    if (last !== undefined) cursor.setBookmark(last);
    await watermark.waitForCapacity(this.#stop.signal);
    this.#isAtEnd = page.done;
    if (page.done) {
      // The log ends with changes of other kinds, which are not read.
      this.#end = watermark.read;
      this.#wasAtEnd = performance.now();
    }
    return !page.done;
  }

  /**
   * Reads the log again where numbers are missing that may have come.
   * @returns whether there is more to read again now
   */
  async #lookBack(): Promise<boolean> {
    const { orthanc, onLate } = this.#parts;
    const gaps = this.#gaps;
    for (let pages = 0; pages < maxPagesBack; pages++) {
      const first = gaps.due();
      if (first === undefined || this.#stop.signal.aborted || this.#paused) return false;
      const asked = gaps.clock;
      const page = await orthanc.changes.page(first - 1, pageSize, 'all');
      const late = gaps.amongMissing(page.numbers);
      const isLate = ({ seq }: { seq: number }) => late.has(seq);
      await this.#enqueue(
        { changes: page.changes.filter(isLate), groups: page.groups.filter(isLate) },
        Math.min(...late),
      );
      // From here on the open jobs hold the cursor.
      const to = page.done || page.numbers.length === 0 ? this.#watermark.read : page.next;
      gaps.recordAnswer(first, to, page.numbers, asked);
      if (late.size > 0) onLate(late.size);
      await this.#watermark.waitForCapacity(this.#stop.signal);
    }
    return gaps.due() !== undefined;
  }

  /** @param first where the cursor waits for requests of groups */
  async #enqueue({ changes, groups }: Pick<ChangePage, 'changes' | 'groups'>, first: number): Promise<void> {
    const { orthanc, queue, groupRequests } = this.#parts;
    const watermark = this.#watermark;
    for (const level of groupLevel.options) {
      const ids = groups.filter((group) => group.level === level).map(({ id }) => id);
      const begin = async (some: readonly GroupId[]) => {
        await groupRequests.begin(level, some, () => watermark.open(first));
        return [];
      };
      if (ids.length > 0) await inHalves(orthanc, ids, begin, this.#leave);
    }
    for (const { id, seq } of await this.#needingJob(changes)) {
      const isStored = changes.some((change) => change.id === id && change.kind === 'stored');
      queue.enqueue(id, isStored ? 'changes' : 'request', { settled: watermark.open(seq) });
    }
  }

  /** @returns the instances of a page that need a job, each once. Deleted instances are left out. */
  async #needingJob(changes: readonly Change[]): Promise<{ id: InstanceId; seq: number }[]> {
    const { orthanc, isSettled, isUnfinished } = this.#parts;
    const seen = new Map<InstanceId, { seq: number; stored: boolean }>();
    for (const { id, seq, kind } of changes) {
      const known = seen.get(id);
      seen.set(id, { seq: known?.seq ?? seq, stored: kind === 'stored' || known?.stored === true });
    }
    const needed = new Set<InstanceId>();
    const read = (ids: readonly InstanceId[]) => orthanc.hierarchy.instances(ids);
    for (const content of await inHalves(orthanc, [...seen.keys()], read, this.#leave)) {
      // Most other changes of metadata are Plainview's own and need no job.
      const isNeeded =
        (await isUnfinished(content)) ||
        (seen.get(content.ID)?.stored === true && !(await isSettled(content)));
      if (isNeeded) needed.add(content.ID);
    }
    return [...seen].flatMap(([id, { seq }]) => (needed.has(id) ? [{ id, seq }] : []));
  }

  readonly #leave = (id: InstanceId | GroupId, err: PlainviewError): void => {
    this.#parts.log.error(
      { err, resource: id },
      'the change log goes on without this resource, because Orthanc cannot give its metadata',
    );
  };

  async #restart(): Promise<void> {
    const { log, cursor } = this.#parts;
    log.warn(
      { read: this.#watermark.read },
      "Orthanc's change log is not the one read before: it is read from its start",
    );
    this.#watermark = new Watermark(0, maxOpen);
    this.#gaps = newGaps(this.#parts);
    await cursor.reset();
  }
}
