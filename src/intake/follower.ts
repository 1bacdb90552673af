import type { Logger } from 'pino';
import { WakeableTimer } from '../async/sleep.js';
import { isUntouched } from '../decisions/read.js';
import { asPlainviewError } from '../errors/errors.js';
import type { Change } from '../orthanc/changes.js';
import { type GroupId, type GroupLevel, groupLevel, type InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { IdentifiedInstance, InstanceContent } from '../orthanc/resources.js';
import type { Queue } from '../queue/queue.js';
import type { ChangeCursor } from './cursor.js';
import { Watermark } from './watermark.js';

interface Parts {
  orthanc: Orthanc;
  queue: Queue;
  cursor: ChangeCursor;
  /** Whether a stored instance needs no look: it has been decided. */
  isSettled: (instance: IdentifiedInstance) => boolean;
  /** Whether an instance whose metadata was written needs a look: somebody asks for it, or something was cut off. */
  isUnfinished: (instance: InstanceContent) => boolean;
  /** Hands a request on series, studies or patients down to their instances. */
  spread: (level: GroupLevel, ids: GroupId[]) => Promise<void>;
  /** Told that what was stored before now may be unknown to the change log. */
  onLogCleared: () => void;
  /** Pause between two questions once the log has been read to its end. */
  pollMs: number;
  log: Logger;
}

/** Changes asked for at a time: a page of instances is then one more call. */
const pageSize = 200;
/** Jobs of ours in the queue at most. */
const mostOpen = 1000;

/**
 * Reads Orthanc's change log, which forgets no stored instance and no request, and enqueues what needs a look.
 * The cursor moves only past what is settled: a kill at any moment loses nothing.
 */
export class Follower {
  readonly #parts: Parts;
  readonly #stop = new AbortController();
  readonly #timer = new WakeableTimer(this.#stop.signal);
  #watermark: Watermark;
  #running: Promise<void> | undefined;
  #paused = true;
  /** Tries in vain since the log was last read. */
  #failures = 0;
  /** Whether the log is known to be the one that the cursor belongs to: asked anew after each outage. */
  #recognised = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#watermark = new Watermark(parts.cursor.since, mostOpen);
  }

  /** Follows while Orthanc is up. */
  resume(): void {
    this.#paused = false;
    this.#recognised = false;
    this.#timer.wake();
    this.#running ??= this.#follow();
  }

  pause(): void {
    this.#paused = true;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#timer.wake();
    await this.#running;
    await this.#parts.cursor.moveTo(this.#watermark.settled);
  }

  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (this.#paused) {
        await this.#timer.sleep();
        continue;
      }
      try {
        if (!this.#recognised) await this.#recognise();
        const more = await this.#page();
        await this.#parts.cursor.moveTo(this.#watermark.settled);
        this.#failures = 0;
        if (!more) await this.#timer.sleep(this.#parts.pollMs);
      } catch (caught) {
        const error = asPlainviewError(caught);
        if (!(await this.#parts.orthanc.isAway(error)))
          this.#parts.log.error({ err: error }, 'the change log could not be read on');
        await this.#timer.sleep(Math.min(1000 * 2 ** this.#failures++, 60_000));
      }
    }
  }

  /** A database that was replaced, and a log that was cleared, are both noticed by what stands at the cursor. */
  async #recognise(): Promise<void> {
    const { cursor, log, onLogCleared } = this.#parts;
    const { bookmark } = cursor;
    if (bookmark !== undefined) {
      const [first] = await this.#parts.orthanc.changes.after(bookmark.seq - 1, 1);
      if (first?.seq === bookmark.seq && first.id !== bookmark.id) await this.#restart();
      const [oldest] = await this.#parts.orthanc.changes.after(0, 1);
      if (oldest === undefined || oldest.seq > bookmark.seq) {
        log.warn("Orthanc's change log was cleared: the archive is swept for what it may have held");
        onLogCleared();
        await cursor.forget();
      }
    }
    this.#recognised = true;
  }

  /** @returns whether there is more to read at once */
  async #page(): Promise<boolean> {
    const { cursor, queue } = this.#parts;
    const watermark = this.#watermark;
    const page = await this.#parts.orthanc.changes.page(watermark.read, pageSize);
    if (page.logIsShorter) {
      await this.#restart();
      return true;
    }
    for (const level of groupLevel.options) {
      const ids = page.groups.filter((group) => group.level === level).map(({ id }) => id);
      if (ids.length > 0) await this.#parts.spread(level, ids);
    }
    for (const { id, seq, isNew } of await this.#needed(page.changes)) {
      const reason = page.changes.some((change) => change.id === id && change.kind === 'stored')
        ? 'changes'
        : 'request';
      queue.enqueue(id, reason, { isNew, settled: watermark.open(seq) });
    }
    watermark.advance(page.next);
    const last = page.changes.at(-1);
    if (last !== undefined) cursor.remember(last);
    await watermark.room(this.#stop.signal);
    return !page.done;
  }

  /** Of the instances in a page, each once, those that need a look. Whichever is gone by now is not among them. */
  async #needed(changes: readonly Change[]): Promise<{ id: InstanceId; seq: number; isNew: boolean }[]> {
    const { orthanc, isSettled, isUnfinished } = this.#parts;
    const seen = new Map<InstanceId, { seq: number; stored: boolean }>();
    for (const { id, seq, kind } of changes) {
      const known = seen.get(id);
      seen.set(id, { seq: known?.seq ?? seq, stored: kind === 'stored' || known?.stored === true });
    }
    const needed = new Map<InstanceId, { isNew: boolean }>();
    for (const content of await orthanc.hierarchy.instances([...seen.keys()])) {
      // Other changes of metadata are mostly our own: what was just written needs no look.
      const look = isUnfinished(content) || (seen.get(content.ID)?.stored === true && !isSettled(content));
      if (look) needed.set(content.ID, { isNew: isUntouched(content) });
    }
    return [...seen].flatMap(([id, { seq }]) => {
      const need = needed.get(id);
      return need === undefined ? [] : [{ id, seq, ...need }];
    });
  }

  async #restart(): Promise<void> {
    const { log, cursor } = this.#parts;
    log.warn(
      { read: this.#watermark.read },
      "Orthanc's change log is another one than before: read from its start",
    );
    this.#watermark = new Watermark(0, mostOpen);
    await cursor.restart();
  }
}
