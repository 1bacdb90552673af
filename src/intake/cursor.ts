import type { Logger } from 'pino';
import { z } from 'zod';
import { StateFile } from '../store/state-file.js';

const cursorState = z.object({
  /** Every change up to this sequence number is settled. */
  since: z.number().int().min(0),
  /** The last change read. If the log has another change at this number, it is another log. */
  bookmark: z.object({ seq: z.number().int(), id: z.string() }).optional(),
});

type CursorState = z.output<typeof cursorState>;

/**
 * How far Orthanc's change log is settled. Where the file is lost or damaged, the log is read from its start, and
 * decided instances are skipped.
 */
export class ChangeCursor {
  readonly #file: StateFile<typeof cursorState>;
  #state: CursorState;

  /** @throws state_unusable where the folder cannot be created or written, or the file not be read */
  constructor(stateDir: string, log: Logger) {
    this.#file = new StateFile(stateDir, 'changes.json', cursorState);
    const state = this.#file.readOrSetAside(log) ?? 'damaged';
    this.#state = state === 'damaged' ? { since: 0 } : state;
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
    await this.#file.write(next);
  }
}
