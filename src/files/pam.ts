import { endianness } from 'node:os';
import { createError } from '../errors/errors.js';

export interface Pam {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** Two bytes for each value, the higher one first. */
  readonly isWide: boolean;
  /** Of a picture that holds some rows and columns of another one: the size of that one. */
  readonly sampledOf?: { readonly width: number; readonly height: number } | undefined;
  /** What follows the header. It can be shorter than the picture. */
  readonly data: Buffer;
}

/** The rows and columns of a picture that are needed, ascending. */
export interface Taps {
  rows(height: number): Int32Array;
  columns(width: number): Int32Array;
}

/** The first bytes of a PAM file. */
export const pamMagic = 'P7\n';
/** The last line of its header. */
export const headerEnd = 'ENDHDR\n';

/** Reads the header of a PAM file (Netpbm's "P7"), Orthanc's uncompressed format. @throws picture_undecodable */
export function readPam(file: Buffer): Pam {
  const end = file.indexOf(headerEnd);
  const text = file.toString('latin1', 0, Math.max(end, 0));
  // 0 where it is not there, or no number.
  const numberOf = (name: string) =>
    Number(new RegExp(`^[ \\t]*${name}[ \\t]+(\\d{1,15})[ \\t\\r]*$`, 'm').exec(text)?.[1] ?? 0);
  const [width, height, channels] = [numberOf('WIDTH'), numberOf('HEIGHT'), numberOf('DEPTH')];
  const isWide = numberOf('MAXVAL') === 65535;
  if (
    end < 0 ||
    width === 0 ||
    height === 0 ||
    (channels !== 1 && channels !== 3) ||
    (!isWide && numberOf('MAXVAL') !== 255)
  )
    throw createError('picture_undecodable', {
      problem: 'its PAM header is broken, or of another kind than grey or RGB',
    });
  const start = end + headerEnd.length;
  const data = file.subarray(start, start + width * height * channels * (isWide ? 2 : 1));
  const [, ofWidth, ofHeight] = /^# sampled of (\d+) (\d+)$/m.exec(text) ?? [];
  const sampledOf = ofWidth === undefined ? undefined : { width: Number(ofWidth), height: Number(ofHeight) };
  return { width, height, channels, isWide, data, sampledOf };
}

export const truncatedPam = () =>
  createError('picture_undecodable', { problem: 'the PAM file is truncated' });

/** The values of a PAM file. @throws picture_undecodable where it is truncated */
export function valuesOf({ width, height, channels, isWide, data }: Pam): Uint8Array | Uint16Array {
  const count = width * height * channels;
  if (data.length < count * (isWide ? 2 : 1)) throw truncatedPam();
  return isWide ? wide(data) : data;
}

function wide(data: Buffer): Uint16Array {
  const copy = Buffer.from(new Uint8Array(data).buffer); // a copy is aligned, which a part of the file need not be
  if (endianness() === 'LE') copy.swap16();
  return new Uint16Array(copy.buffer, copy.byteOffset, copy.length / 2);
}

/** A PAM file of 8-bit grey. */
export const greyPam = (width: number, height: number, grey: Uint8Array): Buffer =>
  pamOf({ width, height, channels: 1 }, grey);

/** A PAM file of 8-bit values. */
export function pamOf(
  { width, height, channels, sampledOf }: Pick<Pam, 'width' | 'height' | 'channels' | 'sampledOf'>,
  values: Uint8Array,
): Buffer {
  const comment = sampledOf === undefined ? '' : `# sampled of ${sampledOf.width} ${sampledOf.height}\n`;
  const kind = channels === 1 ? 'GRAYSCALE' : 'RGB';
  return Buffer.concat([
    Buffer.from(
      `${pamMagic}${comment}WIDTH ${width}\nHEIGHT ${height}\nDEPTH ${channels}\nMAXVAL 255\nTUPLTYPE ${kind}\n${headerEnd}`,
    ),
    values,
  ]);
}
