import { z } from 'zod';
import { StateFile } from '../store/state-file.js';

const stored = z.object({
  /** Every change up to this sequence number is settled. */
  since: z.number().int().min(0),
  /** A change that was seen: whether the same one stands there tells whether it is the same log. */
  bookmark: z.object({ seq: z.number().int(), id: z.string() }).optional(),
});

type Stored = z.output<typeof stored>;

/**
 * How far Orthanc's change log has been worked through: the only thing that Plainview keeps for itself.
 * Lost or unreadable, the log is read from its start, and what is done is skipped.
 */
export class ChangeCursor {
  readonly #file: StateFile<typeof stored>;
  #stored: Stored;

  /** @throws state_unusable where the folder cannot be made or written to */
  constructor(stateDir: string) {
    this.#file = new StateFile(stateDir, 'changes.json', stored);
    this.#stored = this.#file.read() ?? { since: 0 };
  }

  get since(): number {
    return this.#stored.since;
  }

  get bookmark(): Stored['bookmark'] {
    return this.#stored.bookmark;
  }

  /** Kept with the next move. */
  remember({ seq, id }: { seq: number; id: string }): void {
    this.#stored = { ...this.#stored, bookmark: { seq, id } };
  }

  /** Drops the bookmark, which has told what it could. */
  async forget(): Promise<void> {
    await this.#save({ since: this.#stored.since });
  }

  async moveTo(since: number): Promise<void> {
    if (since !== this.#stored.since) await this.#save({ ...this.#stored, since });
  }

  async restart(): Promise<void> {
    await this.#save({ since: 0 });
  }

  async #save(next: Stored): Promise<void> {
    this.#stored = next;
    await this.#file.write(next);
  }
}
