import type { Logger } from 'pino';
import { z } from 'zod';
import { readOrSetAside, type Store } from '../store/store.js';

const cursorState = z.object({
  /** Every change up to this sequence number is settled. */
  since: z.number().int().min(0),
  /** The last change read. If the log has another change at this number, it is another log. */
  bookmark: z.object({ seq: z.number().int(), id: z.string() }).optional(),
});

type CursorState = z.output<typeof cursorState>;

const document = 'changes';

/**
 * How far Orthanc's change log is settled. Where that is lost or damaged, the log is read from its start, and
 * decided instances are skipped.
 */
export class ChangeCursor {
  readonly #store: Store;
  #state: CursorState;

  private constructor(store: Store, state: CursorState) {
    this.#store = store;
    this.#state = state;
  }

  /** @throws state_unusable */
  static async open(store: Store, log: Logger): Promise<ChangeCursor> {
    const state = (await readOrSetAside(store, document, cursorState, log)) ?? 'damaged';
    return new ChangeCursor(store, state === 'damaged' ? { since: 0 } : state);
  }

  get since(): number {
    return this.#state.since;
  }

  get bookmark(): CursorState['bookmark'] {
    return this.#state.bookmark;
  }

  /** Saved with the next `moveTo`. */
  setBookmark({ seq, id }: { seq: number; id: string }): void {
    this.#state = { ...this.#state, bookmark: { seq, id } };
  }

  /** Deletes the bookmark: the log was cleared, so its change is gone. */
  async clearBookmark(): Promise<void> {
    await this.#save({ since: this.#state.since });
  }

  async moveTo(since: number): Promise<void> {
    if (since !== this.#state.since) await this.#save({ ...this.#state, since });
  }

  async reset(): Promise<void> {
    await this.#save({ since: 0 });
  }

  async #save(next: CursorState): Promise<void> {
    this.#state = next;
    await this.#store.write(document, next);
  }
}
