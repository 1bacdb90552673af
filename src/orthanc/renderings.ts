import { createHash } from 'node:crypto';
import { Semaphore } from '../async/semaphore.js';
import type { Config } from '../config/options.js';
import { goneIfAbsent, ifNotRenderable, ifRejected, notRendered } from './catch-handlers.js';
import type { InstanceId } from './ids.js';
import type { PictureTags } from './resources.js';
import type { Transport } from './transport.js';

/** For renderings that people see. Each costs Orthanc a decoding, and pictures for the network come first. */
const bounds = { maxRunning: 3, maxWaiting: 200 };

/** The fingerprint of a picture of which Orthanc gives nothing. It tells nothing of two pictures. */
export const unknownPixels = 'none';

/** How a picture for people is rendered. */
export interface JpegOptions {
  /** Longest side, pixels. The aspect ratio stays. */
  size: number;
  /** 1 to 100. */
  quality: number;
  /** Window Center and Window Width. Unless both are given, those of the file apply. */
  center?: number | undefined;
  width?: number | undefined;
}

/** Pictures rendered by Orthanc: 8 bit, windowed, MONOCHROME1 inverted. */
export class Renderings {
  readonly #transport: Transport;
  readonly #accept: string;
  readonly #semaphore = new Semaphore(bounds);

  constructor(transport: Transport, { rendering }: Pick<Config, 'rendering'>) {
    this.#transport = transport;
    // An Orthanc without PAM would answer 404 to PAM alone, so PNG is the second choice.
    this.#accept = rendering === 'pam' ? 'image/x-portable-arbitrarymap, image/png;q=0.5' : 'image/png';
  }

  /**
   * The picture at full size, for the network.
   * @param frame counted from 0
   * @returns bytes of a PAM or PNG
   * @throws instance_gone, instance_not_renderable
   */
  whole(id: InstanceId, frame: number): Promise<Buffer> {
    return this.#render(id, frame, { headers: { accept: this.#accept } });
  }

  /**
   * A picture for people.
   * @param frame counted from 0
   * @param signal aborted when nobody waits for the picture any more
   * @throws busy, instance_gone, instance_not_renderable
   */
  jpeg(
    id: InstanceId,
    frame: number,
    { size, quality, center, width }: JpegOptions,
    signal: AbortSignal,
  ): Promise<Buffer> {
    const window =
      center === undefined || width === undefined ? {} : { 'window-center': center, 'window-width': width };
    return this.#semaphore.run(async () => {
      signal.throwIfAborted();
      return this.#render(id, frame, {
        params: { width: size, height: size, smooth: 1, quality, ...window },
        headers: { accept: 'image/jpeg' },
      });
    });
  }

  /**
   * A fingerprint of a picture's pixels. It is the same for every window, transfer syntax and compression without loss:
   * SHA-256 of the values as 16 bits, of the first frame and the middle one, or, where Orthanc cannot give them (colour),
   * of its `/preview`, which stretches the values and ignores the window. Where Orthanc cannot decode the picture, of the
   * stored bytes.
   * @returns what was hashed and the hash: `image-uint16:ab12…`; `unknownPixels` where Orthanc can give nothing
   * @throws instance_gone
   */
  async fingerprint(
    id: InstanceId,
    { frames, isSigned }: Pick<PictureTags, 'frames' | 'isSigned'>,
  ): Promise<string> {
    // As unsigned, all negative values are 0.
    for (const form of [isSigned ? 'image-int16' : 'image-uint16', 'preview', 'raw']) {
      const hash = createHash('sha256');
      const shown = [...new Set([0, Math.floor((frames - 1) / 2)])];
      let isComplete = true;
      for (const frame of shown) {
        const bytes = await this.#values(id, frame, form);
        if (bytes === undefined) isComplete = false;
        else hash.update(bytes);
      }
      if (isComplete) return `${form}:${hash.digest('hex')}`;
    }
    return unknownPixels;
  }

  /** @returns undefined where Orthanc cannot give a frame in this form */
  async #values(id: InstanceId, frame: number, form: string): Promise<Buffer | undefined> {
    if (form === 'raw') return this.#stored(id, frame);
    const url = `/instances/${id}/frames/${frame}/${form}`;
    const headers = { accept: 'image/x-portable-arbitrarymap' };
    const answer = await this.#transport
      .call({ method: 'GET', url, headers })
      .catch(notRendered(id))
      .catch(ifNotRenderable(undefined));
    return answer?.body;
  }

  /** The stored bytes of a frame; of all pixels where they are too few for it. @returns undefined where there are none */
  async #stored(id: InstanceId, frame: number): Promise<Buffer | undefined> {
    for (const part of [`frames/${frame}/raw`, 'content/7fe0-0010/0']) {
      const url = `/instances/${id}/${part}`;
      const answer = await this.#transport
        .call({ method: 'GET', url })
        .catch(goneIfAbsent(id))
        .catch(ifRejected(undefined));
      if (answer !== undefined) return answer.body;
    }
    return undefined;
  }

  async #render(id: InstanceId, frame: number, more: object): Promise<Buffer> {
    const request = { method: 'GET', url: `/instances/${id}/frames/${frame}/rendered`, ...more };
    return (await this.#transport.call(request).catch(notRendered(id))).body;
  }
}
