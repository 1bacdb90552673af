import { ifAbsent } from '../orthanc/catch-handlers.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { Locks } from '../store/locks.js';
import { requestOf } from './read.js';
import { metadataNames, type ReclassifyRequest } from './schema.js';

interface Parts {
  orthanc: Pick<Orthanc, 'hierarchy' | 'metadata'>;
  locks: Locks;
}

/**
 * Writes and withdraws requests of instances. It holds the lock of the instance: what is written while the file is stored
 * anew would be lost.
 */
export class RequestWriter {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Writes a request over any other, but for one that asks for more: that is answered by a new decision too.
   * @param text the request as JSON, or as another client of Orthanc wrote it
   * @returns whether the instance is there
   * @throws orthanc_…
   */
  put(
    id: InstanceId,
    text: string,
    { includingCorrected }: Pick<ReclassifyRequest, 'includingCorrected'>,
  ): Promise<boolean> {
    const { orthanc, locks } = this.#parts;
    return locks.exclusive('instance', id, async () => {
      const [instance] = await orthanc.hierarchy.instances([id]);
      if (instance === undefined) return false;
      if (requestOf(instance)?.includingCorrected && !includingCorrected) return true;
      return orthanc.metadata
        .put(`instances/${id}`, metadataNames.request, text)
        .then(() => true)
        .catch(ifAbsent(false));
    });
  }

  /** Deletes a request, unless another one has replaced it. @throws orthanc_… */
  withdraw(id: InstanceId, text: string): Promise<void> {
    const { orthanc, locks } = this.#parts;
    return locks.exclusive('instance', id, () =>
      orthanc.metadata.deleteIf(`instances/${id}`, metadataNames.request, text),
    );
  }
}
