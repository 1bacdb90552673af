import { createError } from '../../errors/errors.js';
import { pamMagic } from '../../files/pam.js';
import { decodeBmp } from './bmp.js';
import { decodeDicom } from './dicom.js';
import { decodeJpeg } from './jpeg.js';
import { decodePam } from './pam.js';
import type { FrameChoice, Picture } from './picture.js';

interface Format {
  readonly name: string;
  /** The bytes by which a file of the format is known. */
  readonly magic: string;
  /** Where they are; 0 by default. */
  readonly at?: number;
  readonly decode: (file: Buffer, maxMegapixels: number, frame: FrameChoice) => Picture | Promise<Picture>;
  /** Whether NNCPR's `label_image.py` reads it too. */
  readonly isOriginal: boolean;
}

/** sharp takes longer to load than a small picture to decode, so only a file that needs it loads it. */
const decodeBitmap: Format['decode'] = async (file, maxMegapixels) =>
  (await import('./bitmap.js')).decodeBitmap(file, maxMegapixels);

const formats: readonly Format[] = [
  { name: 'PNG', magic: '\x89PNG\r\n\x1a\n', decode: decodeBitmap, isOriginal: true },
  { name: 'JPEG', magic: '\xff\xd8\xff', decode: decodeJpeg, isOriginal: true },
  // What the service gets from Orthanc, with the pixels of a PNG.
  { name: 'PAM', magic: pamMagic, decode: decodePam, isOriginal: true },
  { name: 'GIF', magic: 'GIF8', decode: decodeBitmap, isOriginal: true },
  { name: 'DICOM', magic: 'DICM', at: 128, decode: decodeDicom, isOriginal: false },
  { name: 'TIFF', magic: 'II*\0', decode: decodeBitmap, isOriginal: false },
  { name: 'TIFF', magic: 'MM\0*', decode: decodeBitmap, isOriginal: false },
  { name: 'WebP', magic: 'WEBP', at: 8, decode: decodeBitmap, isOriginal: false },
  { name: 'BMP', magic: 'BM', decode: decodeBmp, isOriginal: false },
];

/** Enough of a file to know its format. */
export const magicBytes = 132;

/**
 * The first bytes determine the format, not the file name.
 * @param start of the file, `magicBytes` or more
 * @returns undefined where it is none that can be decoded
 */
export const formatOf = (start: Buffer): Pick<Format, 'name' | 'isOriginal'> | undefined => find(start);

const find = (start: Buffer) =>
  formats.find(({ magic, at = 0 }) => start.toString('latin1', at, at + magic.length) === magic);

/**
 * Decodes a picture as NNCPR's `label_image.py` does, where that reads its format.
 * @param frame which one of a DICOM file; of other files, it is the first one
 * @throws picture_undecodable, picture_too_large, picture_uniform, dicom_needs_server
 */
export async function decode(
  file: Buffer,
  maxMegapixels: number,
  frame: FrameChoice = 'first',
): Promise<Picture> {
  if (file.length === 0) throw createError('picture_undecodable', { problem: 'the file is empty' });
  const format = find(file);
  if (format === undefined)
    throw createError('picture_undecodable', {
      problem: 'it is no PNG, JPEG, GIF, PAM, TIFF, WebP, BMP or DICOM file',
    });
  return format.decode(file, maxMegapixels, frame);
}
