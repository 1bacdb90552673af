import { createHash } from 'node:crypto';
import { Semaphore } from '../async/semaphore.js';
import type { Config } from '../config/options.js';
import { createError, type PlainviewError } from '../errors/errors.js';
import { greyPam, type Taps } from '../files/pam.js';
import type { VoiWindow } from '../greyscale/attributes.js';
import { type Spread, spreadOf } from '../greyscale/grey.js';
import { isAsShown } from '../greyscale/shown.js';
import { ifNotRenderable, ifRejected, ifToppled, notRendered } from './catch-handlers.js';
import type { FileAccess } from './file-access.js';
import type { InstanceId } from './ids.js';
import type { OrthancRequest } from './node.js';
import { PictureReceiver, type ReceivedPicture } from './receiver.js';
import { describedTags, type PictureTags } from './resources.js';
import { simplifiedTags } from './simplified-tags.js';
import { type GreyPicture, StoredValues } from './stored-values.js';

/** With the first picture that needs it: with its libraries it takes 30 MB. */
const loadSharp = async () => (await import('sharp')).default;

/** For renderings that people see. Each costs Orthanc a decoding, and pictures for the network come first. */
const bounds = { maxRunning: 3, maxWaiting: 200 };

/** Of pictures at full size that are rendered, classified or compared at a time. A larger one is in work alone. */
const maxBytes = 200_000_000;

/** For each pixel of a picture that is made of the stored values: two for the value, one for its grey. */
const greyBytes = 3;

/** Values that a picture can have, where the header names one. Others crash decoders: GDCM by an assertion. */
const possibleSamples: ReadonlySet<number> = new Set([1, 3, 4]);
const possibleBits: ReadonlySet<number> = new Set([1, 8, 16, 32]);

/** What is known of a picture before it is decoded. */
export type PictureHeader = Partial<
  Pick<PictureTags, 'rows' | 'columns' | 'samples' | 'bitsAllocated' | 'lacksPalette' | 'greyscale'>
>;

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

/**
 * Pictures as viewers show them: 8 bit, windowed, MONOCHROME1 inverted. Orthanc renders them, except where its rendering
 * ignores what the file says: [which files those are](../../docs/decisions/renderings.md).
 */
export class Renderings {
  readonly #access: FileAccess;
  readonly #values: StoredValues;
  readonly #accept: string;
  readonly #maxMegapixels: number;
  readonly #semaphore = new Semaphore(bounds);
  readonly #bytes = new Semaphore({ maxRunning: maxBytes });

  constructor(access: FileAccess, { rendering, maxMegapixels }: Pick<Config, 'rendering' | 'maxMegapixels'>) {
    this.#access = access;
    this.#values = new StoredValues(access);
    this.#maxMegapixels = maxMegapixels;
    // An Orthanc without PAM would answer 404 to PAM alone, so PNG is the second choice.
    this.#accept = rendering === 'pam' ? 'image/x-portable-arbitrarymap, image/png;q=0.5' : 'image/png';
  }

  /**
   * The picture at full size, for the network.
   * @param frame counted from 0
   * @param use receives the bytes of a PAM or PNG. Until it ends, they count as memory in use.
   * @param header where it is known already
   * @param taps where `use` needs no others: then the picture can be a PAM of these rows and columns
   * @throws picture_too_large, picture_uniform, header_impossible, instance_gone, instance_not_renderable, and what
   *   `use` throws
   */
  async whole<T>(
    id: InstanceId,
    frame: number,
    use: (picture: Buffer) => Promise<T>,
    header?: PictureHeader,
    taps?: Taps,
  ): Promise<T> {
    const known = await this.#requirePossible(id, header);
    const { rows = 0, columns = 0, samples = 1, greyscale } = known;
    if (greyscale?.rendering !== 'wrong') {
      const result = await this.#bytes.run(
        async () => {
          const { file, spread } = await this.#receive(id, frame, taps);
          const isShown = isAsShown(spread ?? (await decodedSpread(file)), greyscale);
          return isShown ? { is: await use(file) } : undefined;
        },
        rows * columns * (samples === 1 ? 1 : 3),
      );
      if (result !== undefined) return result.is;
    }
    return this.#bytes.run(
      async () => {
        const { width, height, grey } = await this.#grey(id, frame, known);
        return use(greyPam(width, height, grey));
      },
      rows * columns * greyBytes,
    );
  }

  /**
   * A picture for people.
   * @param frame counted from 0
   * @param signal aborted when nobody waits for the picture any more
   * @throws busy, picture_too_large, picture_uniform, header_impossible, instance_gone, instance_not_renderable
   */
  jpeg(
    id: InstanceId,
    frame: number,
    { size, quality, center, width }: JpegOptions,
    signal: AbortSignal,
  ): Promise<Buffer> {
    const window: VoiWindow | undefined =
      center === undefined || width === undefined ? undefined : { center, width, shape: 'LINEAR' };
    return this.#semaphore.run(async () => {
      signal.throwIfAborted();
      const header = await this.#requirePossible(id);
      if (header.greyscale?.rendering !== 'wrong') {
        const asked = window && { 'window-center': window.center, 'window-width': window.width };
        const picture = await this.#render(id, frame, {
          params: { width: size, height: size, smooth: 1, quality, ...asked },
          headers: { accept: 'image/jpeg' },
        });
        if (window !== undefined || isAsShown(await decodedSpread(picture), header.greyscale)) return picture;
      }
      const { rows = 0, columns = 0 } = header;
      return this.#bytes.run(
        async () => {
          const picture = await this.#grey(id, frame, header, window);
          const sharp = await loadSharp();
          return sharp(picture.grey, { raw: { width: picture.width, height: picture.height, channels: 1 } })
            .resize({ width: size, height: size, fit: 'inside' })
            .jpeg({ quality })
            .toBuffer();
        },
        rows * columns * greyBytes,
      );
    });
  }

  /** The picture as viewers show it, of the stored values. @throws picture_uniform */
  async #grey(
    id: InstanceId,
    frame: number,
    { greyscale }: PictureHeader,
    window?: VoiWindow,
  ): Promise<GreyPicture> {
    if (greyscale === undefined) throw createError('picture_uniform', {});
    return this.#values.grey(id, frame, greyscale, window);
  }

  /**
   * A fingerprint of a picture's pixels. It is the same for every window, transfer syntax and compression without loss:
   * SHA-256 of the values as 16 bits, of the first frame and the middle one, or, where Orthanc cannot give them (colour),
   * of its `/preview`, which stretches the values and ignores the window. Where Orthanc cannot or must not decode the
   * picture, of the stored bytes.
   * @returns what was hashed and the hash: `image-uint16:ab12…`; `unknownPixels` where Orthanc can give nothing
   * @throws instance_gone
   */
  async fingerprint(
    id: InstanceId,
    tags: Pick<PictureTags, 'frames' | 'isSigned'> & PictureHeader,
  ): Promise<string> {
    // A person can decide also about a picture that stops Orthanc.
    const { rows = 0, columns = 0, samples = 1 } = tags;
    return this.#bytes
      .run(() => this.#fingerprint(id, tags), rows * columns * (samples === 1 ? 2 : 3))
      .catch(ifToppled(unknownPixels));
  }

  async #fingerprint(
    id: InstanceId,
    { frames, isSigned, ...header }: Pick<PictureTags, 'frames' | 'isSigned'> & PictureHeader,
  ): Promise<string> {
    // As unsigned, all negative values are 0.
    const decoded =
      this.#problemOf(header) === undefined ? [isSigned ? 'image-int16' : 'image-uint16', 'preview'] : [];
    for (const form of [...decoded, 'raw']) {
      const hash = createHash('sha256');
      const shown = [...new Set([0, Math.floor((frames - 1) / 2)])];
      let isComplete = true;
      for (const frame of shown) {
        const bytes = await this.#form(id, frame, form);
        if (bytes === undefined) isComplete = false;
        else hash.update(bytes);
      }
      if (isComplete) return `${form}:${hash.digest('hex')}`;
    }
    return unknownPixels;
  }

  /** @returns undefined where Orthanc cannot give a frame in this form */
  async #form(id: InstanceId, frame: number, form: string): Promise<Buffer | undefined> {
    if (form === 'raw') return this.#stored(id, frame);
    const url = `/instances/${id}/frames/${frame}/${form}`;
    const headers = { accept: 'image/x-portable-arbitrarymap' };
    const answer = await this.#access
      .read(id, { method: 'GET', url, headers })
      .catch(notRendered)
      .catch(ifNotRenderable(undefined));
    return answer?.body;
  }

  /** The stored bytes of a frame; of all pixels where they are too few for it. @returns undefined where there are none */
  async #stored(id: InstanceId, frame: number): Promise<Buffer | undefined> {
    for (const part of [`frames/${frame}/raw`, 'content/7fe0-0010/0']) {
      const url = `/instances/${id}/${part}`;
      const answer = await this.#access.read(id, { method: 'GET', url }).catch(ifRejected(undefined));
      if (answer !== undefined) return answer.body;
    }
    return undefined;
  }

  async #receive(id: InstanceId, frame: number, taps: Taps | undefined): Promise<ReceivedPicture> {
    let last: PictureReceiver | undefined;
    const receiver = () => {
      last = new PictureReceiver(taps, this.#maxMegapixels);
      return last;
    };
    await this.#render(id, frame, { headers: { accept: this.#accept }, receiver });
    return last?.picture ?? { file: Buffer.alloc(0), spread: undefined };
  }

  async #render(id: InstanceId, frame: number, more: Partial<OrthancRequest>): Promise<Buffer> {
    const request = { method: 'GET', url: `/instances/${id}/frames/${frame}/rendered`, ...more };
    return (await this.#access.read(id, request).catch(notRendered)).body;
  }

  /** @throws picture_too_large, header_impossible, instance_gone */
  async #requirePossible(id: InstanceId, known?: PictureHeader): Promise<PictureHeader> {
    const header = known ?? (await simplifiedTags(this.#access, describedTags, id)).tags;
    const problem = this.#problemOf(header);
    if (problem !== undefined) throw problem;
    return header;
  }

  #problemOf({
    rows = 0,
    columns = 0,
    samples,
    bitsAllocated,
    lacksPalette,
  }: PictureHeader): PlainviewError | undefined {
    const limit = this.#maxMegapixels;
    if (rows * columns > limit * 1_000_000) return createError('picture_too_large', { rows, columns, limit });
    if (samples !== undefined && !possibleSamples.has(samples))
      return createError('header_impossible', { attribute: 'SamplesPerPixel', value: samples });
    if (bitsAllocated !== undefined && !possibleBits.has(bitsAllocated))
      return createError('header_impossible', { attribute: 'BitsAllocated', value: bitsAllocated });
    if (lacksPalette === true)
      return createError('header_impossible', {
        attribute: 'PhotometricInterpretation',
        value: 'PALETTE COLOR without a palette',
      });
    return undefined;
  }
}

/** The spread of a JPEG or PNG. */
async function decodedSpread(picture: Buffer): Promise<Spread> {
  const sharp = await loadSharp();
  return spreadOf(await sharp(picture, { limitInputPixels: false }).raw().toBuffer());
}
