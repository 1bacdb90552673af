import { z } from 'zod';
import { createError, hasCode } from '../errors/errors.js';
import { bulkContent } from './bulk.js';
import type { ResourcePath } from './ids.js';
import type { Labels } from './labels.js';
import type { Metadata } from './metadata.js';
import { system } from './resources.js';
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

/** User data without attachments, as it is in Orthanc. */
export interface FoundUserData extends Omit<UserData, 'attachments' | 'isProtected'> {
  /** Also what is not the users', by name. */
  named: Record<string, string>;
  /** Orthanc's identifier of an instance's file: each storing gives a new one. */
  file: string | undefined;
  /** Of patients; undefined where Orthanc does not say it here (1.12.7). */
  isProtected: boolean | undefined;
}

const found = z.object({
  ID: z.string(),
  Labels: z.array(z.string()).default([]),
  Metadata: z.record(z.string(), z.string()).default({}),
  FileUuid: z.string().optional(),
  IsProtected: z.boolean().optional(),
});
const attachmentNumbers = z.record(z.string(), z.number());

/**
 * Whether a number belongs to users, and not to a plugin's cache. OHIF, DICOMweb and the Web viewer make their metadata
 * and attachments again from the files (numbers: Orthanc Book, "Registered identifiers").
 */
const isUsersMetadata = (number: number) => number >= 1024 && number !== 4202;
const isUsersAttachment = (number: number) =>
  number >= 1024 && ![4301, 9997, 9998].includes(number) && !(number >= 10_000 && number < 14_000);

const maxBytes = 64 * 2 ** 20;

/** Saves and restores user data. Orthanc deletes it when an instance is replaced. */
export class UserDataBackup {
  readonly #transport: Transport;
  readonly #metadata: Metadata;
  readonly #labels: Labels;
  /** Name of metadata → number; undefined for Orthanc's own, which no configuration can declare. */
  readonly #numbers = new Map<string, number | undefined>();

  constructor(transport: Transport, metadata: Metadata, labels: Labels) {
    this.#transport = transport;
    this.#metadata = metadata;
    this.#labels = labels;
  }

  /**
   * In one call, in this order. Leaves out deleted resources. Orthanc reads a resource in one transaction, so a label and the
   * metadata that note whose it is belong together.
   */
  async find(resources: readonly ResourcePath[]): Promise<Map<ResourcePath, FoundUserData>> {
    const all = await bulkContent(this.#transport, found, resources.map(idOf));
    await this.#learn(all.flatMap(({ Metadata }) => Object.keys(Metadata)));
    return new Map(
      resources.flatMap((resource): [ResourcePath, FoundUserData][] => {
        const content = all.find(({ ID }) => ID === idOf(resource));
        if (content === undefined) return [];
        const metadata = Object.entries(content.Metadata).flatMap(([name, value]) => {
          const number = this.#numberOf(name);
          return number !== undefined && isUsersMetadata(number) ? [[String(number), value]] : [];
        });
        const data: FoundUserData = {
          resource,
          metadata: Object.fromEntries(metadata),
          named: content.Metadata,
          labels: content.Labels,
          file: content.FileUuid,
          isProtected: resource.startsWith('patients/') ? content.IsProtected : false,
        };
        return [[resource, data]];
      }),
    );
  }

  /**
   * As `find`, with attachments and protection.
   * @throws tags_not_written where the attachments are too large, orthanc_absent where one is deleted, orthanc_…
   */
  async read(resources: readonly ResourcePath[]): Promise<(FoundUserData & UserData)[]> {
    const attached = await Promise.all(resources.map((resource) => this.#attachmentsOf(resource)));
    // Last, so that what is replaced meanwhile shows in `file`.
    const all = await this.find(resources);
    return Promise.all(
      resources.map(async (resource, index) => {
        const data = all.get(resource);
        if (data === undefined) throw createError('orthanc_absent', { what: `GET /${resource}` });
        const isProtected = await this.#isProtected(data);
        return { ...data, attachments: attached[index] ?? {}, isProtected };
      }),
    );
  }

  /**
   * Restores what is missing. Present values are newer and stay. Does nothing where the resource is deleted.
   * @param notedIn the labels that a metadata value notes as its own: where a newer value is present, they are not restored
   */
  async restore(
    { resource, metadata, attachments, labels, isProtected }: UserData,
    now: FoundUserData | undefined,
    notedIn: (value: string) => readonly string[],
  ): Promise<void> {
    if (now === undefined) return;
    for (const [number, value] of Object.entries(metadata))
      if (now.metadata[number] === undefined)
        await this.#metadata.replace(resource, number, undefined, value).catch((error: unknown) => {
          // Somebody has written one since, which is newer.
          if (!hasCode(error, 'orthanc_conflict')) throw error;
        });
    const kept = Object.entries(attachments);
    const present = kept.length === 0 ? [] : await this.#attachmentNumbers(resource);
    for (const [number, base64] of kept)
      if (!present.includes(number))
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
    if (isProtected && !(await this.#isProtected(now)))
      await this.#transport.call({ method: 'PUT', url: `/${resource}/protected`, data: '1' });
  }

  /** Number → content in base64. */
  async #attachmentsOf(resource: ResourcePath): Promise<Record<string, string>> {
    const attachments: Record<string, string> = {};
    let bytes = 0;
    for (const number of await this.#attachmentNumbers(resource)) {
      const url = `/${resource}/attachments/${number}/data`;
      const { body } = await this.#transport.call({ method: 'GET', url });
      bytes += body.length;
      if (bytes > maxBytes)
        throw createError('tags_not_written', { why: `${resource} has more than 64 MB attached` });
      attachments[number] = body.toString('base64');
    }
    return attachments;
  }

  async #attachmentNumbers(resource: ResourcePath): Promise<string[]> {
    const request = { method: 'GET', url: `/${resource}/attachments?full` };
    const all = await this.#transport.json(attachmentNumbers, request);
    return Object.values(all).filter(isUsersAttachment).map(String);
  }

  async #isProtected({ resource, isProtected }: FoundUserData): Promise<boolean> {
    if (isProtected !== undefined) return isProtected;
    const { body } = await this.#transport.call({ method: 'GET', url: `/${resource}/protected` });
    return body.toString('utf8').trim() === '1';
  }

  /** Metadata that no name is declared for has its number as name. */
  #numberOf(name: string): number | undefined {
    return /^\d+$/.test(name) ? Number(name) : this.#numbers.get(name);
  }

  async #learn(names: readonly string[]): Promise<void> {
    const unknown = names.filter((name) => !/^\d+$/.test(name) && !this.#numbers.has(name));
    if (unknown.length === 0) return;
    const { UserMetadata } = await this.#transport.json(system, { method: 'GET', url: '/system' });
    for (const name of unknown) this.#numbers.set(name, UserMetadata[name]);
  }
}

const idOf = (resource: ResourcePath): string => resource.slice(resource.indexOf('/') + 1);
