import { createError } from '../../errors/errors.js';
import { type Picture, requireSize } from './picture.js';

/** Decodes a Windows bitmap, which libvips does not read. @throws picture_undecodable, picture_too_large */
export async function decodeBmp(file: Buffer, maxMegapixels: number): Promise<Picture> {
  try {
    // Width and height of the header; a negative height means that the first row is at the top.
    requireSize(file.readInt32LE(18), Math.abs(file.readInt32LE(22)), maxMegapixels);
    const { decode } = await import('bmp-ts');
    const { width, height, data } = decode(file, { toRGBA: true });
    const isGrey = data.every((value, i) => i % 4 === 3 || value === data[i - (i % 4)]);
    const channels = isGrey ? 1 : 3;
    const pixels = new Uint8Array(width * Math.abs(height) * channels);
    for (let i = 0; i < pixels.length; i++)
      pixels[i] = data[Math.floor(i / channels) * 4 + (i % channels)] ?? 0;
    return { width, height: Math.abs(height), channels, pixels };
  } catch (error) {
    if (error instanceof Error && error.name === 'PlainviewError') throw error;
    throw createError(
      'picture_undecodable',
      { problem: `the BMP file is damaged (${(error as Error).message})` },
      error,
    );
  }
}
