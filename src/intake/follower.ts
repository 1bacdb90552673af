import type { Logger } from 'pino';
import { asPlainview, type PlainviewError } from '../errors.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { InstanceContent } from '../orthanc/resources.js';
import type { Queue } from '../queue/queue.js';
import type { Cursor } from './cursor.js';

interface Parts {
  orthanc: Orthanc;
  queue: Queue;
  cursor: Cursor;
  /** Whether an instance needs no look: it has been decided. */
  isSettled: (instance: InstanceContent) => boolean;
  onAway: (error: PlainviewError) => void;
  /** Pause between two questions once the log has been read to its end. */
  pollMs: number;
  log: Logger;
}

/** Changes asked for at a time: a page of instances is then one more call. */
const pageSize = 200;
/** Jobs of ours in the queue at most, so that a backlog of millions costs no memory. */
const mostOpen = 1000;

/**
 * Reads Orthanc's change log, which forgets no stored instance, and enqueues what carries no decision yet.
 * The cursor moves only past what is settled: a kill at any moment loses nothing.
 */
export class Follower {
  readonly #parts: Parts;
  readonly #stop = new AbortController();
  /** Sequence numbers that are enqueued and not settled, ascending: a Set keeps the order they came in. */
  readonly #open = new Set<number>();
  #read: number;
  #wake: (() => void) | undefined;
  #done: Promise<void> | undefined;
  #held = true;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#read = parts.cursor.since;
  }

  /** How far the log has been read, and how far it is settled. */
  get position(): { read: number; settled: number; open: number } {
    return { read: this.#read, settled: this.#parts.cursor.since, open: this.#open.size };
  }

  /** Follows while Orthanc is up. */
  resume(): void {
    this.#held = false;
    this.#wake?.();
    this.#done ??= this.#follow();
  }

  pause(): void {
    this.#held = true;
  }

  async end(): Promise<void> {
    this.#stop.abort();
    this.#wake?.();
    await this.#done;
    await this.#save();
  }

  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (this.#held) {
        await this.#sleep(undefined);
        continue;
      }
      try {
        const more = await this.#page();
        await this.#save();
        if (!more) await this.#sleep(this.#parts.pollMs);
      } catch (caught) {
        const error = asPlainview(caught);
        if (error.code === 'orthanc_unreachable' || error.code === 'orthanc_refused')
          this.#parts.onAway(error);
        else this.#parts.log.error({ err: error }, 'the change log could not be read on');
        await this.#sleep(Math.max(this.#parts.pollMs, 1000));
      }
    }
  }

  /** @returns whether there is more to read at once */
  async #page(): Promise<boolean> {
    const { orthanc, cursor, log } = this.#parts;
    const page = await orthanc.newInstances(this.#read, pageSize);
    if (page.logIsShorter) {
      log.warn({ read: this.#read }, "Orthanc's change log is another one than before: read from its start");
      this.#open.clear();
      this.#read = 0;
      await cursor.moveTo(0);
      return true;
    }
    const contents = await orthanc.instances(page.instances.map(({ id }) => id));
    const open = new Set<InstanceId>();
    for (const content of contents) if (!this.#parts.isSettled(content)) open.add(content.ID);
    // An instance that is not among the contents has been deleted meanwhile.
    for (const { id, seq } of page.instances) if (open.has(id)) this.#enqueue(id, seq);
    this.#read = page.next;
    while (this.#open.size >= mostOpen && !this.#stop.signal.aborted) await this.#sleep(1000);
    return !page.done;
  }

  #enqueue(id: InstanceId, seq: number): void {
    this.#open.add(seq);
    this.#parts.queue.enqueue(id, 'changes', () => {
      this.#open.delete(seq);
      if (this.#open.size < mostOpen / 2) this.#wake?.();
    });
  }

  /** Everything before the first open sequence number is settled. */
  async #save(): Promise<void> {
    const [first] = this.#open;
    await this.#parts.cursor.moveTo(first === undefined ? this.#read : first - 1);
  }

  #sleep(ms: number | undefined): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(wake, ms);
      function wake() {
        clearTimeout(timer);
        resolve();
      }
      this.#wake = wake;
    });
  }
}
