import { ifAbsent } from './catch-handlers.js';
import type { InstanceId } from './ids.js';
import { type StoredInstance, storedInstance } from './resources.js';
import type { Transport } from './transport.js';

/** Stores and deletes instances that Plainview makes. */
export class InstanceStore {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Stores a DICOM file. Idempotent, but where Orthanc replaces what it has. */
  store(file: Buffer): Promise<StoredInstance> {
    const headers = { 'content-type': 'application/dicom' };
    return this.#transport.json(storedInstance, { method: 'POST', url: '/instances', data: file, headers });
  }

  /** Does nothing where the instance is already deleted. */
  async delete(id: InstanceId): Promise<void> {
    await this.#transport.call({ method: 'DELETE', url: `/instances/${id}` }).catch(ifAbsent(undefined));
  }
}
