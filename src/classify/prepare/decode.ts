import { createError } from '../../errors/errors.js';
import { decodeBitmap } from './bitmap.js';
import { decodeJpeg } from './jpeg.js';
import { decodePam } from './pam.js';
import type { Picture } from './picture.js';

type Decoder = (file: Buffer, maxMegapixels: number) => Picture | Promise<Picture>;

const decoders: readonly { readonly magic: string; readonly decode: Decoder }[] = [
  { magic: '\x89PNG\r\n\x1a\n', decode: decodeBitmap },
  { magic: '\xff\xd8\xff', decode: decodeJpeg },
  { magic: 'P7\n', decode: decodePam },
  { magic: 'GIF8', decode: decodeBitmap },
];

/**
 * Decodes a picture as NNCPR's `label_image.py` does. The first bytes determine the format, not the file name.
 * @throws picture_undecodable, picture_too_large
 */
export async function decode(file: Buffer, maxMegapixels: number): Promise<Picture> {
  if (file.length === 0) throw createError('picture_undecodable', { problem: 'the file is empty' });
  const decoder = decoders.find(({ magic }) => file.toString('latin1', 0, magic.length) === magic);
  if (!decoder) throw createError('picture_undecodable', { problem: 'it is no PNG, JPEG, GIF or PAM file' });
  return decoder.decode(file, maxMegapixels);
}
