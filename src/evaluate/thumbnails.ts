import sharp from 'sharp';
import { decode } from '../classify/prepare/decode.js';
import type { GroundTruth, LabelledPicture } from './ground-truth.js';

/** Longest side, pixels. */
const size = 160;

/** Thumbnails as `data:` URLs, by picture id. A picture that can no longer be read has none. */
export async function thumbnailsOf(
  pictures: readonly LabelledPicture[],
  truth: GroundTruth,
  maxMegapixels: number,
): Promise<ReadonlyMap<string, string>> {
  const thumbnails = new Map<string, string>();
  // One after the other, because full pictures need much memory.
  for (const picture of new Map(pictures.map((one) => [one.id, one])).values()) {
    const file = await truth.read(picture).catch(() => undefined);
    if (file !== undefined) thumbnails.set(picture.id, await thumbnail(file, maxMegapixels));
  }
  return thumbnails;
}

async function thumbnail(file: Buffer, maxMegapixels: number): Promise<string> {
  const { pixels, width, height, channels } = await decode(file, maxMegapixels);
  const bytes = pixels instanceof Uint16Array ? Uint8Array.from(pixels, (value) => value >> 8) : pixels;
  const small = await sharp(bytes, { raw: { width, height, channels } })
    .resize({ width: size, height: size, fit: 'inside' })
    .jpeg({ quality: 72 })
    .toBuffer();
  return `data:image/jpeg;base64,${small.toString('base64')}`;
}
