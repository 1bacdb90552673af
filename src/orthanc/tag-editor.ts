import { z } from 'zod';
import { createError } from '../errors/errors.js';
import { ifAbsent } from './absent.js';
import type { InstanceId } from './ids.js';
import { Media } from './media.js';
import type { Transport } from './transport.js';

const attributes = z.record(z.string(), z.unknown());
const info = z.object({ Uuid: z.string().min(1) });
const stored = z.object({ Status: z.string() });

export interface Edit {
  /** By tag (`0018,0015`): text, or the items of a sequence. */
  set: Record<string, unknown>;
  remove: string[];
}

/** Other attributes in a stored file. The UIDs stay, so the file takes the place of the one before. */
export class TagEditor {
  readonly #rest: Transport;
  readonly #media: Media;

  constructor(rest: Transport) {
    this.#rest = rest;
    this.#media = new Media(rest);
  }

  /** The top of the dataset, by tag. @throws orthanc_absent */
  attributes(id: InstanceId): Promise<Record<string, unknown>> {
    return this.#rest.json(attributes, { method: 'GET', url: `/instances/${id}/tags?short` });
  }

  /** What Orthanc calls the stored file: another after each storing. @returns undefined where the instance is gone */
  async fileOf(id: InstanceId): Promise<string | undefined> {
    const url = `/instances/${id}/attachments/dicom/info`;
    const known = await this.#rest.json(info, { method: 'GET', url }).catch(ifAbsent(undefined));
    return known?.Uuid;
  }

  /**
   * The file with these attributes, not stored yet.
   * @param pixelsFrom where the element Pixel Data begins in the file, bytes
   * @throws tags_not_written where anything from there on would become different
   */
  async edited(id: InstanceId, edit: Edit, pixelsFrom: number): Promise<Buffer> {
    const pixels = (await this.#media.file(id)).subarray(pixelsFrom);
    const data = { Replace: edit.set, Remove: edit.remove, Keep: ['SOPInstanceUID'], Force: true };
    const { body } = await this.#rest.call({ method: 'POST', url: `/instances/${id}/modify`, data });
    if (pixels.length === 0 || !body.subarray(-pixels.length).equals(pixels))
      throw createError('tags_not_written', { why: 'Orthanc would have changed the pixel data' });
    return body;
  }

  /**
   * Asks once only: what is stored late, after its time-out, must not come upon what was done since.
   * @returns Orthanc's word for what it did: `Success`, or why not
   */
  async store(file: Buffer): Promise<string> {
    const headers = { 'content-type': 'application/dicom' };
    const request = { method: 'POST', url: '/instances', data: file, headers };
    return (await this.#rest.once(stored, request)).Status;
  }
}
