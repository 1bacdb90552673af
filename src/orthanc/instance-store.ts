import { ifAbsent } from './catch-handlers.js';
import type { FileAccess } from './file-access.js';
import type { InstanceId, StudyId } from './ids.js';
import { createdInstance } from './resources.js';
import type { Transport } from './transport.js';

/** Stores and deletes instances that Plainview makes. */
export class InstanceStore {
  readonly #transport: Transport;
  readonly #access: FileAccess;

  constructor(transport: Transport, access: FileAccess) {
    this.#transport = transport;
    this.#access = access;
  }

  /**
   * Stores a new instance in a study. It takes over the attributes of study and patient. Idempotent where `attributes`
   * has a SOPInstanceUID.
   * @param attributes by keyword; a sequence is an array of such objects
   */
  async create(parent: StudyId, attributes: object): Promise<InstanceId> {
    const data = { Parent: parent, Force: true, Tags: attributes };
    const request = { method: 'POST', url: '/tools/create-dicom', data };
    // It replaces a file where there is one of this SOPInstanceUID.
    return (await this.#access.change(() => this.#transport.json(createdInstance, request))).ID;
  }

  /** Does nothing where the instance is already deleted. */
  async delete(id: InstanceId): Promise<void> {
    const request = { method: 'DELETE', url: `/instances/${id}` };
    await this.#access.change(() => this.#transport.call(request)).catch(ifAbsent(undefined));
  }
}
