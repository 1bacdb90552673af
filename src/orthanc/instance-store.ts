import { ifAbsent } from './catch-handlers.js';
import type { FileAccess } from './file-access.js';
import type { InstanceId } from './ids.js';
import { type StoredInstance, storedInstance } from './resources.js';
import type { Transport } from './transport.js';

/** Stores and deletes instances that Plainview makes. */
export class InstanceStore {
  readonly #transport: Transport;
  readonly #access: FileAccess;

  constructor(transport: Transport, access: FileAccess) {
    this.#transport = transport;
    this.#access = access;
  }

  /** Stores a DICOM file. Idempotent, but where Orthanc replaces what it has. */
  store(file: Buffer): Promise<StoredInstance> {
    const headers = { 'content-type': 'application/dicom' };
    const request = { method: 'POST', url: '/instances', data: file, headers };
    return this.#access.change(() => this.#transport.json(storedInstance, request));
  }

  /** Does nothing where the instance is already deleted. */
  async delete(id: InstanceId): Promise<void> {
    const request = { method: 'DELETE', url: `/instances/${id}` };
    await this.#access.change(() => this.#transport.call(request)).catch(ifAbsent(undefined));
  }
}
