import { createHash } from 'node:crypto';
import { Semaphore } from '../async/semaphore.js';
import type { Config } from '../config/options.js';
import { ifNotRenderable, notRendered } from './catch-handlers.js';
import type { InstanceId } from './ids.js';
import type { Transport } from './transport.js';

/** For renderings that people see. Each costs Orthanc a decoding, and pictures for the network come first. */
const bounds = { maxRunning: 3, maxWaiting: 200 };

/** The fingerprint of a picture that Orthanc cannot decode. It tells nothing of two pictures. */
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
   * SHA-256 of the first frame's values as 16 bits, or, where Orthanc cannot give them (colour), of its `/preview`,
   * which stretches the values and ignores the window.
   * @returns what was hashed and the hash: `image-uint16:ab12…`; `unknownPixels` where Orthanc can decode nothing
   * @throws instance_gone
   */
  async fingerprint(id: InstanceId): Promise<string> {
    for (const form of ['image-uint16', 'preview']) {
      const url = `/instances/${id}/frames/0/${form}`;
      const headers = { accept: 'image/x-portable-arbitrarymap' };
      const answer = await this.#transport
        .call({ method: 'GET', url, headers })
        .catch(notRendered(id))
        .catch(ifNotRenderable(undefined));
      if (answer !== undefined) return `${form}:${createHash('sha256').update(answer.body).digest('hex')}`;
    }
    return unknownPixels;
  }

  async #render(id: InstanceId, frame: number, more: object): Promise<Buffer> {
    const request = { method: 'GET', url: `/instances/${id}/frames/${frame}/rendered`, ...more };
    return (await this.#transport.call(request).catch(notRendered(id))).body;
  }
}
