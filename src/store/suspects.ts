import type { Logger } from 'pino';
import { z } from 'zod';
import { readOrSetAside, type Store } from './store.js';

const suspect = z.object({
  times: z.number().int().min(1),
  /** What was being done. */
  at: z.string(),
});
const suspects = z.record(z.string(), suspect);
type Suspect = z.output<typeof suspect>;

const document = 'suspects';

/** Files at whose reading Orthanc stopped or did not answer, by instance. They outlast a restart of Plainview. */
export class Suspects {
  readonly #store: Store;
  readonly #all: Map<string, Suspect>;

  private constructor(store: Store, known: Record<string, Suspect>) {
    this.#store = store;
    this.#all = new Map(Object.entries(known));
  }

  /** @throws state_unusable */
  static async open(store: Store, log: Logger): Promise<Suspects> {
    const known = await readOrSetAside(store, document, suspects, log);
    return new Suspects(store, known === undefined || known === 'damaged' ? {} : known);
  }

  of(key: string): Suspect | undefined {
    return this.#all.get(key);
  }

  /** @throws state_unusable */
  async put(key: string, entry: Suspect): Promise<void> {
    this.#all.set(key, entry);
    await this.#store.write(document, Object.fromEntries(this.#all));
  }

  /** @throws state_unusable */
  async drop(key: string): Promise<void> {
    this.#all.delete(key);
    await this.#store.write(document, Object.fromEntries(this.#all));
  }
}
