import { z } from 'zod';
import { goneIfAbsent, ifAbsent } from './catch-handlers.js';
import type { FileAccess } from './file-access.js';
import type { InstanceId } from './ids.js';
import { simplifiedTags } from './simplified-tags.js';
import type { Transport } from './transport.js';

const simplified = z.record(z.string(), z.unknown());
const tagList = z.array(z.string());
const info = z.object({ Uuid: z.string().min(1) });

/** The stored DICOM files. */
export class Files {
  readonly #transport: Transport;
  readonly #access: FileAccess;

  constructor(transport: Transport, access: FileAccess) {
    this.#transport = transport;
    this.#access = access;
  }

  /** The stored DICOM file, unchanged. @throws orthanc_absent */
  async dicom(id: InstanceId): Promise<Buffer> {
    return (await this.#transport.call({ method: 'GET', url: `/instances/${id}/file` })).body;
  }

  /**
   * The stored bytes of elements at the top level of the dataset. Missing ones are left out.
   * @param tags `0010,0010`; no sequences
   * @throws instance_gone
   */
  async elements(id: InstanceId, tags: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    const url = `/instances/${id}/content`;
    const dashed = await this.#transport
      .json(tagList, { method: 'GET', url })
      .catch(goneIfAbsent(this.#transport, id));
    const present = tags.filter((tag) => dashed.includes(tag.replace(',', '-')));
    const values = await Promise.all(
      present.map(async (tag): Promise<[string, Buffer]> => {
        const request = { method: 'GET', url: `${url}/${tag.replace(',', '-')}` };
        return [tag, (await this.#transport.call(request).catch(goneIfAbsent(this.#transport, id))).body];
      }),
    );
    return new Map(values);
  }

  /** MD5 of the file, hexadecimal. */
  async md5(id: InstanceId): Promise<string> {
    const request = { method: 'GET', url: `/instances/${id}/attachments/dicom/md5` };
    return (await this.#transport.call(request)).body.toString('utf8');
  }

  /**
   * Orthanc's identifier of the stored file. Each storing gives a new one.
   * @returns undefined where the instance is deleted
   */
  async uuid(id: InstanceId): Promise<string | undefined> {
    const request = { method: 'GET', url: `/instances/${id}/attachments/dicom/info` };
    return (await this.#transport.json(info, request).catch(ifAbsent(undefined)))?.Uuid;
  }

  /**
   * The text attributes at the top level of the dataset, by keyword. Multiple values are separated by `\`.
   * They are patient data and must not reach a log.
   * @throws instance_gone
   */
  async attributes(id: InstanceId): Promise<ReadonlyMap<string, string>> {
    const all = await simplifiedTags(this.#access, simplified, id);
    return new Map(
      Object.entries(all).flatMap(([keyword, value]) =>
        typeof value === 'string' ? [[keyword, value]] : [],
      ),
    );
  }
}
