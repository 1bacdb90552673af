import { createError, hasCode } from '../errors/errors.js';
import { ifAbsent } from './catch-handlers.js';
import type { ResourcePath } from './ids.js';
import type { OrthancResponse } from './node.js';
import type { Transport } from './transport.js';

/** The user metadata of patients, studies, series and instances. */
export class Metadata {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** @returns undefined where there is none */
  async get(resource: ResourcePath, name: string): Promise<string | undefined> {
    return (await this.#read(resource, name))?.body.toString('utf8');
  }

  /** Writes a value and replaces any other, also under `CheckRevisions`. */
  async put(resource: ResourcePath, name: string, value: string): Promise<void> {
    await this.#overwrite({ method: 'PUT', url: urlOf(resource, name), data: value });
  }

  /**
   * Writes only where the value is still the one that was read: a guard against another writer. Orthanc compares an
   * `If-Match` that is sent with the value that is there, also with `CheckRevisions` off. Where there is none, it takes
   * any revision, so one that no value has creates only (seen on 1.12.7).
   * Where a proxy removes `If-Match`, the answer still says whether something was overwritten: the revision of what was
   * created is 0. A database without revisions gives none. Then the value is read back.
   * @param known what was read; undefined: there was none
   * @throws orthanc_conflict where another writer came first
   */
  async replace(
    resource: ResourcePath,
    name: string,
    known: string | undefined,
    value: string,
  ): Promise<void> {
    const url = urlOf(resource, name);
    const conflict = () => createError('orthanc_conflict', { what: `${resource}, metadata ${name}` });
    if (known === undefined) {
      const { headers } = await this.#put(url, value, { 'if-match': revisionOfNothing });
      const revision = /^"(\d+)-/.exec(headers.etag ?? '')?.[1];
      if (revision !== undefined && revision !== '0') throw conflict();
      if (revision === undefined && (await this.get(resource, name)) !== value) throw conflict();
      return;
    }
    const current = await this.#read(resource, name);
    if (current?.body.toString('utf8') !== known) throw conflict();
    const { etag } = current.headers;
    await this.#put(url, value, etag === undefined ? {} : { 'if-match': etag });
    if (etag === undefined && (await this.get(resource, name)) !== value) throw conflict();
  }

  /** Does nothing where there is no value. */
  async delete(resource: ResourcePath, name: string): Promise<void> {
    await this.#overwrite({ method: 'DELETE', url: urlOf(resource, name) }).catch(ifAbsent(undefined));
  }

  /** Deletes a value only where it is still the one that was read. */
  async deleteIf(resource: ResourcePath, name: string, known: string): Promise<void> {
    const current = await this.#read(resource, name);
    if (current?.body.toString('utf8') !== known) return;
    const { etag } = current.headers;
    const headers = etag === undefined ? {} : { 'if-match': etag };
    await this.#transport
      .call({ method: 'DELETE', url: urlOf(resource, name), headers })
      .catch(ifAbsent(undefined))
      .catch((error: unknown) => {
        if (!hasCode(error, 'orthanc_conflict')) throw error;
      });
  }

  #read(resource: ResourcePath, name: string): Promise<OrthancResponse | undefined> {
    return this.#transport.call({ method: 'GET', url: urlOf(resource, name) }).catch(ifAbsent(undefined));
  }

  #put(url: string, data: string, headers: Record<string, string> = {}): Promise<OrthancResponse> {
    return this.#transport.call({
      method: 'PUT',
      url,
      data,
      headers: { 'content-type': 'text/plain', ...headers },
    });
  }

  /**
   * With `CheckRevisions`, Orthanc answers 409 to a change without the revision that it replaces. The revision is read
   * for it, because the ETag in the response to a PUT is unreliable (1.12.7).
   */
  async #overwrite(request: { method: string; url: string; data?: string }): Promise<void> {
    const call = { ...request, headers: { 'content-type': 'text/plain' } };
    try {
      await this.#transport.call(call);
    } catch (error) {
      if (!hasCode(error, 'orthanc_conflict')) throw error;
      const { headers } = await this.#transport.call({ method: 'GET', url: request.url });
      await this.#transport.call({ ...call, headers: { ...call.headers, 'if-match': headers.etag ?? '' } });
    }
  }
}

/** Well-formed, but no value has it. */
const revisionOfNothing = `"0-${'0'.repeat(32)}"`;

const urlOf = (resource: ResourcePath, name: string): string => `/${resource}/metadata/${name}`;
