import type { ResourcePath } from './ids.js';
import type { Transport } from './transport.js';

/** The labels of patients, studies, series and instances. */
export class Labels {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Does nothing where the resource already has the label. */
  async add(resource: ResourcePath, label: string): Promise<void> {
    await this.#transport.call({ method: 'PUT', url: `/${resource}/labels/${label}` });
  }

  /** Does nothing where the resource does not have the label. */
  async remove(resource: ResourcePath, label: string): Promise<void> {
    await this.#transport.call({ method: 'DELETE', url: `/${resource}/labels/${label}` });
  }
}
