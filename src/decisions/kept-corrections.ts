import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createError } from '../errors/errors.js';
import type { InstanceId } from '../orthanc/ids.js';
import { readIntact, StateFile } from '../store/state-file.js';
import { instanceRecord, type NewDecision } from './schema.js';

const correction = instanceRecord.omit({ version: true, labels: true, order: true });

/**
 * What people have decided, in the state folder too: an Orthanc that replaces a file (`OverwriteInstances`, or a
 * modification that keeps the identifiers) forgets all metadata, and people's words with it.
 */
export class KeptCorrections {
  readonly #folder: string;

  constructor(stateDir: string) {
    this.#folder = join(stateDir, 'corrections');
  }

  /** @throws state_damaged where there is one that cannot be read: it must not be taken for none */
  read(id: InstanceId): NewDecision | undefined {
    return readIntact(dirname(this.#path(id)), `${id}.json`, correction);
  }

  /** On the disk when this returns. @throws state_unusable */
  keep(id: InstanceId, decided: NewDecision): Promise<void> {
    return this.#file(id).write(decided);
  }

  /** @throws state_unusable */
  async drop(id: InstanceId): Promise<void> {
    const file = this.#path(id);
    if (!existsSync(file)) return;
    await rm(file).catch((error: Error) => {
      throw createError('state_unusable', { folder: file, why: error.message }, error);
    });
  }

  #file(id: InstanceId): StateFile<typeof correction> {
    return new StateFile(dirname(this.#path(id)), `${id}.json`, correction);
  }

  /** In 256 folders: none becomes too large to look into. */
  #path(id: InstanceId): string {
    return join(this.#folder, id.slice(0, 2), `${id}.json`);
  }
}
