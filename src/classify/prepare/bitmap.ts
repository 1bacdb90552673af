import sharp from 'sharp';
import { createError } from '../../errors/errors.js';
import { type Picture, requireSize } from './picture.js';

// The workers use all cores already. Threads of libvips would compete with them.
sharp.concurrency(1);
// Every picture is decoded only once.
sharp.cache(false);

const pngMagic = '\x89PNG';
const pngEnd = Buffer.from('IEND\xaeB`\x82', 'latin1');

/**
 * Decodes PNG and the first frame of GIF as TensorFlow does: it expands palettes, drops alpha without blending, and
 * ignores gamma, ICC profile and orientation. So it decodes TIFF and WebP, of which TensorFlow knows nothing.
 * @throws picture_undecodable, picture_too_large
 */
export async function decodeBitmap(file: Buffer, maxMegapixels: number): Promise<Picture> {
  // TensorFlow requires the IEND chunk, and so the checksum of the last pixels. libvips accepts a file without it.
  if (file.toString('latin1', 0, pngMagic.length) === pngMagic && file.lastIndexOf(pngEnd) < 0)
    throw createError('picture_undecodable', { problem: 'the PNG file is truncated' });
  // sharp's own limit is off, because requireSize gives a better error.
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
    if (!isWide && depth !== 'uchar')
      throw createError('picture_undecodable', {
        problem: `its samples are of type ${depth}; save it with 8 or 16 bits`,
      });
    const { data, info } = await image
      .removeAlpha()
      // The picture's own colour space keeps its values. Without this, grey would become three channels.
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
