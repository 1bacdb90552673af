import { z } from 'zod';
import { tagsRecord } from '../../decisions/tags-record.js';
import { type InstanceId, instanceId, studyId } from '../../orthanc/ids.js';
import { userData } from '../../orthanc/user-data-backup.js';
import type { Store } from '../../store/store.js';

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

const keyOf = (id: InstanceId): string => `tags/${id}`;

/** One document for each instance that is being stored anew. */
export class Journals {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Of instances whose storing anew was cut off, or is under way. @throws state_unusable */
  async list(): Promise<InstanceId[]> {
    const names = await this.#store.names('tags');
    return names.flatMap((name) => instanceId.safeParse(name).data ?? []);
  }

  /** @throws state_unusable, state_damaged where there is one that cannot be read: it must not be taken for none */
  read(id: InstanceId): Promise<Journal | undefined> {
    return this.#store.read(keyOf(id), journal);
  }

  /** It outlasts a power cut when this resolves. @throws state_unusable */
  write(content: Journal): Promise<void> {
    return this.#store.write(keyOf(content.instance), content);
  }

  /** @throws state_unusable */
  drop(id: InstanceId): Promise<void> {
    return this.#store.remove(keyOf(id));
  }
}
