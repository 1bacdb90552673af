import { createError } from '../../errors/errors.js';
import { decodeByWasm, type JpegHeader, readJpegHeader } from './jpeg-wasm.js';
import { type Picture, requireSize } from './picture.js';

/** Gives the pixels of a file, whose header can be read. @throws picture_undecodable */
type JpegDecoder = (file: Buffer, header: JpegHeader) => Uint8Array | Promise<Uint8Array>;

/**
 * Decodes a JPEG bit for bit as TensorFlow's `decode_jpeg` does by default: by libjpeg-turbo with the fast, less exact
 * cosine transform. libvips and browsers use the exact one, and differ by up to 12 grey levels.
 * @throws picture_undecodable, picture_too_large
 */
export async function decodeJpeg(file: Buffer, maxMegapixels: number): Promise<Picture> {
  const header = readJpegHeader(file);
  const { width, height, channels } = header;
  requireSize(width, height, maxMegapixels);
  decoder ??= jpegDecoders.native().catch(() => jpegDecoders.wasm());
  const pixels = await (await decoder)(file, header);
  return { width, height, channels, pixels };
}

let decoder: Promise<JpegDecoder> | undefined;

/** By rank. */
export const jpegDecoders = {
  /** libjpeg-turbo as machine code, three times as fast. It is there for most systems. @throws where it is not */
  async native(): Promise<JpegDecoder> {
    const { default: turbo } = await import('@julusian/jpeg-turbo');
    // The package always requests the fast transform.
    return async (file, { width, height, channels }) => {
      const format = channels === 1 ? turbo.FORMAT_GRAY : turbo.FORMAT_RGB;
      try {
        const target = Buffer.allocUnsafeSlow(width * height * channels);
        return (await turbo.decompress(file, target, { format })).data;
      } catch (error) {
        const problem =
          error instanceof RangeError
            ? 'there is not enough memory for it'
            : 'the JPEG file is truncated or damaged';
        throw createError('picture_undecodable', { problem }, error);
      }
    };
  },
  async wasm(): Promise<JpegDecoder> {
    return decodeByWasm;
  },
};
