import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { createError } from '../errors/errors.js';
import { ifAbsent } from './catch-handlers.js';
import type { ResourcePath } from './ids.js';
import type { Labels } from './labels.js';
import type { Metadata } from './metadata.js';
import type { Transport } from './transport.js';

const resourcePath = z.custom<ResourcePath>(
  (value) => typeof value === 'string' && /^(instances|series|studies|patients)\/[0-9a-f-]{44}$/.test(value),
);

/** What users and programs attach to a resource, and what Orthanc deletes with it. */
export const userData = z.object({
  resource: resourcePath,
  /** Number → value. */
  metadata: z.record(z.string(), z.string()),
  /** Number → content in base64. */
  attachments: z.record(z.string(), z.string()),
  labels: z.array(z.string()),
  /** A protected patient: Orthanc does not recycle it. False at other levels. */
  isProtected: z.boolean(),
});
export type UserData = z.output<typeof userData>;

const numbers = z.record(z.string().regex(/^\d+$/), z.string());
const attachmentNumbers = z.record(z.string(), z.number());
const names = z.array(z.string());

/**
 * Whether a number belongs to users, and not to a plugin's cache. OHIF, DICOMweb and the Web viewer make their metadata
 * and attachments again from the files (numbers: Orthanc Book, "Registered identifiers").
 */
const isUsersMetadata = (number: number) => number >= 1024 && number !== 4202;
const isUsersAttachment = (number: number) =>
  number >= 1024 && ![4301, 9997, 9998].includes(number) && !(number >= 10_000 && number < 14_000);

const maxBytes = 64 * 2 ** 20;

/** Readings of one resource, each after another writer was met. */
const mostTries = 5;

/** Saves and restores user data. Orthanc deletes it when an instance is replaced. */
export class UserDataBackup {
  readonly #transport: Transport;
  readonly #metadata: Metadata;
  readonly #labels: Labels;

  constructor(transport: Transport, metadata: Metadata, labels: Labels) {
    this.#transport = transport;
    this.#metadata = metadata;
    this.#labels = labels;
  }

  /**
   * Reads what belongs together: a label, and the metadata that note whose it is.
   * @throws tags_not_written where the attachments are too large, orthanc_conflict, orthanc_…
   */
  async read(resource: ResourcePath): Promise<UserData> {
    const state = await this.#readStill(resource);
    const attachments: Record<string, string> = {};
    let bytes = 0;
    for (const number of state.attachments) {
      const url = `/${resource}/attachments/${number}/data`;
      const { body } = await this.#transport.call({ method: 'GET', url });
      bytes += body.length;
      if (bytes > maxBytes)
        throw createError('tags_not_written', { why: `${resource} has more than 64 MB attached` });
      attachments[number] = body.toString('base64');
    }
    return { resource, ...state, attachments };
  }

  /**
   * Restores what is missing. Present values are newer and stay. Does nothing where the resource is deleted.
   * @param notedIn the labels that a metadata value notes as its own: where a newer value is present, they are not restored
   */
  async restore(
    { resource, metadata, attachments, labels, isProtected }: UserData,
    notedIn: (value: string) => readonly string[],
  ): Promise<void> {
    const now = await this.#read(resource).catch(ifAbsent(undefined));
    if (now === undefined) return;
    for (const [number, value] of Object.entries(metadata))
      if (now.metadata[number] === undefined) await this.#metadata.put(resource, number, value);
    for (const [number, base64] of Object.entries(attachments))
      if (!now.attachments.includes(number))
        await this.#transport.call({
          method: 'PUT',
          url: `/${resource}/attachments/${number}`,
          data: Buffer.from(base64, 'base64'),
          headers: { 'content-type': 'application/octet-stream' },
        });
    const overtaken = Object.entries(metadata).flatMap(([number, value]) =>
      [undefined, value].includes(now.metadata[number]) ? [] : notedIn(value),
    );
    const missing = labels.filter((label) => !now.labels.includes(label) && !overtaken.includes(label));
    for (const label of missing) await this.#labels.add(resource, label);
    if (isProtected && !now.isProtected)
      await this.#transport.call({ method: 'PUT', url: `/${resource}/protected`, data: '1' });
  }

  /** Reads until the metadata are the same after the labels were read: else another service was changing both. */
  async #readStill(resource: ResourcePath) {
    for (let tries = 1; tries <= mostTries; tries++) {
      const state = await this.#read(resource);
      if (isDeepStrictEqual(await this.#usersMetadata(resource), state.metadata)) return state;
    }
    throw createError('orthanc_conflict', { what: resource });
  }

  async #usersMetadata(resource: ResourcePath): Promise<Record<string, string>> {
    const request = { method: 'GET', url: `/${resource}/metadata?expand&numeric` };
    const all = await this.#transport.json(numbers, request);
    return Object.fromEntries(Object.entries(all).filter(([number]) => isUsersMetadata(Number(number))));
  }

  async #read(
    resource: ResourcePath,
  ): Promise<Omit<UserData, 'resource' | 'attachments'> & { attachments: string[] }> {
    const get = (path: string) => ({ method: 'GET', url: `/${resource}/${path}` });
    const [metadata, attachments, labels, isProtected] = await Promise.all([
      this.#usersMetadata(resource),
      this.#transport.json(attachmentNumbers, get('attachments?full')),
      this.#transport.json(names, get('labels')),
      resource.startsWith('patients/')
        ? this.#transport.call(get('protected')).then(({ body }) => body.toString('utf8').trim() === '1')
        : false,
    ]);
    return {
      metadata,
      attachments: Object.values(attachments).filter(isUsersAttachment).map(String),
      labels,
      isProtected,
    };
  }
}
