import { mkdirSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fail } from '../errors.js';

const stored = z.object({
  /** Every change up to this sequence number is settled. */
  since: z.number().int().min(0),
});

/**
 * How far Orthanc's change log has been worked through: the only thing that Plainview keeps for itself.
 * Lost or unreadable, the log is read from its start, and what is done is skipped.
 */
export class Cursor {
  readonly #file: string;
  #since: number;
  #writing: Promise<void> = Promise.resolve();

  /** @throws state_unusable where the folder cannot be made */
  constructor(stateDir: string) {
    this.#file = join(stateDir, 'changes.json');
    try {
      mkdirSync(stateDir, { recursive: true });
    } catch (error) {
      throw fail('state_unusable', { folder: stateDir, why: (error as Error).message }, error);
    }
    this.#since = read(this.#file);
  }

  get since(): number {
    return this.#since;
  }

  /** Replaces the file in one step, so a kill at any moment leaves the old or the new. */
  async moveTo(since: number): Promise<void> {
    if (since === this.#since) return;
    this.#since = since;
    this.#writing = this.#writing.then(() => this.#write(since));
    await this.#writing;
  }

  async #write(since: number): Promise<void> {
    const next = `${this.#file}.next`;
    try {
      const handle = await open(next, 'w');
      try {
        await handle.writeFile(JSON.stringify({ since }));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(next, this.#file);
    } catch (error) {
      throw fail('state_unusable', { folder: this.#file, why: (error as Error).message }, error);
    }
  }
}

function read(file: string): number {
  try {
    return stored.parse(JSON.parse(readFileSync(file, 'utf8'))).since;
  } catch {
    return 0; // absent or unreadable: reading again from the start is safe
  }
}
