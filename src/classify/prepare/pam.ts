import { endianness } from 'node:os';
import { z } from 'zod';
import { createError } from '../../errors/errors.js';
import { type Picture, requireSize } from './picture.js';

const positive = z.coerce.number().int().positive();
const header = z.object({
  WIDTH: positive,
  HEIGHT: positive,
  DEPTH: z.enum(['1', '3']).transform((depth) => (depth === '1' ? 1 : 3)),
  MAXVAL: z.enum(['255', '65535']),
});

/**
 * Reads a PAM file (Netpbm's "P7"), Orthanc's uncompressed format of renderings.
 * @throws picture_undecodable, picture_too_large
 */
export function decodePam(file: Buffer, maxMegapixels: number): Picture {
  const end = file.indexOf('ENDHDR\n');
  const lines = file.toString('latin1', 0, Math.max(end, 0)).split('\n');
  const fields = header.safeParse(Object.fromEntries(lines.map((line) => line.trim().split(/\s+/, 2))));
  if (end < 0 || !fields.success)
    throw createError('picture_undecodable', {
      problem: 'its PAM header is broken, or of another kind than grey or RGB',
    });
  const { WIDTH: width, HEIGHT: height, DEPTH: channels, MAXVAL } = fields.data;
  requireSize(width, height, maxMegapixels);

  const start = end + 'ENDHDR\n'.length;
  const count = width * height * channels;
  const isWide = MAXVAL === '65535';
  const data = file.subarray(start, start + count * (isWide ? 2 : 1));
  if (data.length < count * (isWide ? 2 : 1))
    throw createError('picture_undecodable', { problem: 'the PAM file is truncated' });
  return { width, height, channels, pixels: isWide ? wide(data) : data };
}

/** PAM is big-endian. */
function wide(data: Buffer): Uint16Array {
  const copy = Buffer.from(new Uint8Array(data).buffer); // a copy is aligned, which a part of the file need not be
  if (endianness() === 'LE') copy.swap16();
  return new Uint16Array(copy.buffer, copy.byteOffset, copy.length / 2);
}
