import sharp from 'sharp';
import { createError } from '../../errors/errors.js';
import { type Picture, requireSize } from './picture.js';

// Workers are the parallelism here; libvips' own threads would only compete with them.
sharp.concurrency(1);
// Every picture is seen once.
sharp.cache(false);

const pngMagic = '\x89PNG';
const pngEnd = Buffer.from('IEND\xaeB`\x82', 'latin1');

/**
 * Decodes PNG and GIF (its first frame) as TensorFlow does: palettes expanded, alpha dropped and not blended,
 * neither gamma nor ICC profile nor orientation applied.
 * @throws picture_undecodable, picture_too_large
 */
export async function decodeBitmap(file: Buffer, maxMegapixels: number): Promise<Picture> {
  // libvips is content once it has all pixels; TensorFlow wants the end, and so the checksum of the last of them.
  if (file.toString('latin1', 0, pngMagic.length) === pngMagic && file.lastIndexOf(pngEnd) < 0)
    throw createError('picture_undecodable', { problem: 'the PNG file is truncated' });
  // The size is checked here, so that the error says it.
  const image = sharp(file, {
    failOn: 'warning',
    limitInputPixels: false,
    ignoreIcc: true,
    autoOrient: false,
  });
  try {
    const { width, height, space, depth } = await image.metadata();
    requireSize(width, height, maxMegapixels);
    const isGrey = space === 'b-w' || space === 'grey16';
    const isWide = depth === 'ushort';
    const { data, info } = await image
      .removeAlpha()
      // Naming the space that the picture is in keeps its values; without, grey becomes three channels.
      .toColourspace(isGrey ? (isWide ? 'grey16' : 'b-w') : isWide ? 'rgb16' : 'srgb')
      .raw({ depth: isWide ? 'ushort' : 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 1 && info.channels !== 3)
      throw createError('picture_undecodable', { problem: `it has ${info.channels} channels` });
    const pixels = isWide ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
    return { width: info.width, height: info.height, channels: info.channels, pixels };
  } catch (error) {
    if (error instanceof Error && error.name === 'PlainviewError') throw error;
    const problem = (error as Error).message.replace(/\s+/g, ' ').replace(/[:. ]+$/, '');
    throw createError('picture_undecodable', { problem }, error);
  }
}
