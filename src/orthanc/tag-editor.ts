import { z } from 'zod';
import { createError } from '../errors/errors.js';
import type { FileAccess } from './file-access.js';
import type { Files } from './files.js';
import type { InstanceId } from './ids.js';
import { signatureIn } from './signatures.js';
import type { Transport } from './transport.js';

const attributes = z.record(z.string(), z.unknown());
const stored = z.object({ Status: z.string() });

export interface Edit {
  /** Tag (`0018,0015`) → text, or the items of a sequence. */
  set: Record<string, unknown>;
  remove: string[];
}

/** Changes attributes in a stored file. The UIDs stay, so the new file replaces the old one. */
export class TagEditor {
  readonly #transport: Transport;
  readonly #access: FileAccess;
  readonly #files: Files;

  constructor(transport: Transport, access: FileAccess, files: Files) {
    this.#transport = transport;
    this.#access = access;
    this.#files = files;
  }

  /** Attributes at the top level of the dataset before the Pixel Data, by tag. @throws orthanc_absent */
  attributes(id: InstanceId): Promise<Record<string, unknown>> {
    return this.#access.json(attributes, id, { method: 'GET', url: `/instances/${id}/tags?short` });
  }

  /**
   * Makes the file with these attributes. It does not store it.
   * @param pixelsFrom offset of the element Pixel Data in the stored file, bytes
   * @throws tags_not_written where any byte from there on would change, or the file may be signed digitally
   */
  async edited(id: InstanceId, edit: Edit, pixelsFrom: number): Promise<Buffer> {
    const file = await this.#files.dicom(id);
    const signature = signatureIn(file, pixelsFrom);
    if (signature !== 'none') throw createError('tags_not_written', { why: whyNot[signature] });
    const pixels = file.subarray(pixelsFrom);
    const data = { Replace: edit.set, Remove: edit.remove, Keep: ['SOPInstanceUID'], Force: true };
    const { body } = await this.#access.read(id, { method: 'POST', url: `/instances/${id}/modify`, data });
    if (pixels.length === 0 || !body.subarray(-pixels.length).equals(pixels))
      throw createError('tags_not_written', { why: 'Orthanc would have changed the pixel data' });
    return body;
  }

  /**
   * Stores a file. It is never repeated: if Orthanc stored it late, after the time-out, it would overwrite newer
   * changes.
   * @returns Orthanc's `Status`: `Success`, or why not
   */
  async store(file: Buffer): Promise<string> {
    const headers = { 'content-type': 'application/dicom' };
    const request = { method: 'POST', url: '/instances', data: file, headers };
    return (await this.#access.change(() => this.#transport.jsonOnce(stored, request))).Status;
  }
}

const whyNot = {
  present: 'the file is signed digitally',
  unknown: 'its structure does not tell whether it is signed digitally',
};
