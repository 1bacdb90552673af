import type { Logger } from 'pino';
import { z } from 'zod';
import { StateFile } from './state-file.js';

const suspect = z.object({
  times: z.number().int().min(1),
  /** What was being done. */
  at: z.string(),
});
const suspects = z.record(z.string(), suspect);
type Suspect = z.output<typeof suspect>;

/** Files at whose reading Orthanc stopped or did not answer, by instance. They outlast a restart of Plainview. */
export class Suspects {
  readonly #file: StateFile<typeof suspects>;
  readonly #all: Map<string, Suspect>;

  /** @throws state_unusable */
  constructor(stateDir: string, log: Logger) {
    this.#file = new StateFile(stateDir, 'suspects.json', suspects);
    const known = this.#file.readOrSetAside(log);
    this.#all = new Map(Object.entries(known === undefined || known === 'damaged' ? {} : known));
  }

  of(key: string): Suspect | undefined {
    return this.#all.get(key);
  }

  /** @throws state_unusable */
  async put(key: string, entry: Suspect): Promise<void> {
    this.#all.set(key, entry);
    await this.#file.write(Object.fromEntries(this.#all));
  }

  /** @throws state_unusable */
  async drop(key: string): Promise<void> {
    this.#all.delete(key);
    await this.#file.write(Object.fromEntries(this.#all));
  }
}
