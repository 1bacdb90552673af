import { ifAbsent } from './catch-handlers.js';
import type { InstanceId, StudyId } from './ids.js';
import { createdInstance } from './resources.js';
import type { Transport } from './transport.js';

/** Stores and deletes instances that Plainview makes. */
export class InstanceStore {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Stores a new instance in a study. It takes over the attributes of study and patient. Idempotent where `attributes`
   * has a SOPInstanceUID.
   * @param attributes by keyword; a sequence is an array of such objects
   */
  async create(parent: StudyId, attributes: object): Promise<InstanceId> {
    const data = { Parent: parent, Force: true, Tags: attributes };
    return (await this.#transport.json(createdInstance, { method: 'POST', url: '/tools/create-dicom', data }))
      .ID;
  }

  /** Does nothing where the instance is already deleted. */
  async delete(id: InstanceId): Promise<void> {
    await this.#transport.call({ method: 'DELETE', url: `/instances/${id}` }).catch(ifAbsent(undefined));
  }
}
