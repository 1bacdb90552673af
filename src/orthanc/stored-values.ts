import { createError } from '../errors/errors.js';
import { readPam, valuesOf } from '../files/pam.js';
import type { Greyscale, VoiWindow } from '../greyscale/attributes.js';
import type { Luts } from '../greyscale/grey.js';
import { shownGrey } from '../greyscale/shown.js';
import { ifRejected, notRendered } from './catch-handlers.js';
import type { FileAccess } from './file-access.js';
import type { InstanceId } from './ids.js';

/** 8-bit grey, row by row. */
export interface GreyPicture {
  width: number;
  height: number;
  grey: Uint8Array;
}

/** LUT Data (0028,3006) in the first item of Modality LUT Sequence and of VOI LUT Sequence. */
const lutData = { modality: '0028-3000/0/0028-3006', voi: '0028-3010/0/0028-3006' };

/** Pictures that are computed here from the values which Orthanc decodes. */
export class StoredValues {
  readonly #access: FileAccess;

  constructor(access: FileAccess) {
    this.#access = access;
  }

  /**
   * @param frame counted from 0
   * @param window in place of what the file says. Where there is none, and what the file says shows nothing, the
   *   window is computed.
   * @throws instance_gone, instance_not_renderable
   */
  async grey(
    id: InstanceId,
    frame: number,
    greyscale: Greyscale,
    window: VoiWindow | undefined,
  ): Promise<GreyPicture> {
    const luts: Luts = {
      modality: greyscale.modalityLut && (await this.#lut(id, lutData.modality)),
      voi:
        greyscale.voiLut && window === undefined && greyscale.window === undefined
          ? await this.#lut(id, lutData.voi)
          : undefined,
    };
    const url = `/instances/${id}/frames/${frame}/image-${greyscale.isSigned ? 'int16' : 'uint16'}`;
    const headers = { accept: 'image/x-portable-arbitrarymap' };
    const { body } = await this.#access.read(id, { method: 'GET', url, headers }).catch(notRendered);
    const pam = readPam(body);
    const values = valuesOf(pam);
    if (!(values instanceof Uint16Array) || pam.channels !== 1)
      throw createError('instance_not_renderable', { why: 'its values are not grey' });
    const { width, height } = pam;
    return { width, height, grey: shownGrey(values, greyscale, luts, window) };
  }

  /** @returns undefined where the file has no such data */
  async #lut(id: InstanceId, path: string): Promise<Buffer | undefined> {
    const request = { method: 'GET', url: `/instances/${id}/content/${path}` };
    return (await this.#access.read(id, request).catch(ifRejected(undefined)))?.body;
  }
}
