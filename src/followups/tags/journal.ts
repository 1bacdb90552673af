import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { tagsRecord } from '../../decisions/tags-record.js';
import { removeFile } from '../../files/replace.js';
import { type InstanceId, instanceId, studyId } from '../../orthanc/ids.js';
import { userData } from '../../orthanc/user-data-backup.js';
import { readIntact, StateFile } from '../../store/state-file.js';

/** Written before a file is stored anew, deleted when all that Orthanc has lost by it stands again. */
const journal = z.object({
  version: z.literal(1),
  instance: instanceId,
  study: studyId,
  /** What Orthanc called the file before. While it still does, nothing has happened. */
  file: z.string(),
  kept: z.array(userData),
  /** Milliseconds since 1970: until then, what got no answer from Orthanc may be done yet. */
  until: z.number(),
  /** All stands again, and the journal is only here for what may be done yet. */
  lingers: z.literal(true).optional(),
  tags: tagsRecord,
});
export type Journal = z.output<typeof journal>;

/** One file for each instance that is being stored anew, in the state folder. */
export class Journals {
  readonly #folder: string;

  constructor(stateDir: string) {
    this.#folder = join(stateDir, 'tags');
  }

  /** Of instances whose storing anew was cut off, or is under way. */
  list(): InstanceId[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder).flatMap((name) => {
      const id = instanceId.safeParse(name.replace(/\.json$/, ''));
      return id.success && name.endsWith('.json') ? [id.data] : [];
    });
  }

  /** @throws state_damaged where there is one that cannot be read: it must not be taken for none */
  read(id: InstanceId): Journal | undefined {
    return readIntact(this.#folder, `${id}.json`, journal);
  }

  /** On the disk when this returns. @throws state_unusable */
  async write(content: Journal): Promise<void> {
    await this.#file(content.instance).write(content);
  }

  async drop(id: InstanceId): Promise<void> {
    await removeFile(this.#path(id));
  }

  #file(id: InstanceId): StateFile<typeof journal> {
    return new StateFile(this.#folder, `${id}.json`, journal);
  }

  #path(id: InstanceId): string {
    return join(this.#folder, `${id}.json`);
  }
}
