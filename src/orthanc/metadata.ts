import { createError, PlainviewError } from '../errors/errors.js';
import { ifAbsent } from './errors.js';
import type { ResourcePath } from './ids.js';
import type { OrthancResponse, Transport } from './transport.js';

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

  /** Writes, whatever is there now, also under `CheckRevisions`. */
  async put(resource: ResourcePath, name: string, value: string): Promise<void> {
    await this.#overwrite({ method: 'PUT', url: urlOf(resource, name), data: value });
  }

  /**
   * Writes only where the value is still the one that was read: a guard against another writer.
   * Orthanc checks an `If-Match` that is sent, also with `CheckRevisions` off. It knows no "create only": there, the
   * revision in its answer says whether something was overwritten. It is 0 for what was created (seen on 1.12.7 and
   * 1.13.0, SQLite and PostgreSQL). A database without revisions gives none: then the value is read back.
   * @param known what was read; undefined: there was none
   * @throws orthanc_conflict where another writer came first. Their value may be lost where `known` is undefined, so
   *   the caller must read all again and write anew.
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
      const { headers } = await this.#put(url, value);
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

  /** Does nothing where there is none. */
  async delete(resource: ResourcePath, name: string): Promise<void> {
    await this.#overwrite({ method: 'DELETE', url: urlOf(resource, name) }).catch(ifAbsent(undefined));
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
   * With `CheckRevisions`, Orthanc answers 409 to a change that does not name the revision it replaces.
   * The ETag of a PUT is not to be trusted (1.12.7), so it is read.
   */
  async #overwrite(request: { method: string; url: string; data?: string }): Promise<void> {
    const call = { ...request, headers: { 'content-type': 'text/plain' } };
    try {
      await this.#transport.call(call);
    } catch (error) {
      if (!(error instanceof PlainviewError && error.code === 'orthanc_conflict')) throw error;
      const { headers } = await this.#transport.call({ method: 'GET', url: request.url });
      await this.#transport.call({ ...call, headers: { ...call.headers, 'if-match': headers.etag ?? '' } });
    }
  }
}

const urlOf = (resource: ResourcePath, name: string): string => `/${resource}/metadata/${name}`;
