import type { Logger } from 'pino';
import { z } from 'zod';
import { readOrSetAside, type Store } from './store.js';

const suspect = z.object({
  times: z.number().int().min(1),
  /** What was being done. */
  at: z.string(),
});
type Suspect = z.output<typeof suspect>;

/** Files at whose reading Orthanc stopped or did not answer. They outlast a restart of Plainview. */
export class Suspects {
  readonly #store: Store;
  readonly #log: Logger;

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** @param key an instance, and what of it where that is not its picture @throws state_unusable */
  async of(key: string): Promise<Suspect | undefined> {
    const known = await readOrSetAside(this.#store, documentOf(key), suspect, this.#log);
    return known === 'damaged' ? undefined : known;
  }

  /** @throws state_unusable */
  put(key: string, entry: Suspect): Promise<void> {
    return this.#store.write(documentOf(key), entry);
  }

  /** @throws state_unusable */
  drop(key: string): Promise<void> {
    return this.#store.remove(documentOf(key));
  }
}

const documentOf = (key: string): string => `suspects/${key.replaceAll(' ', '_')}`;
