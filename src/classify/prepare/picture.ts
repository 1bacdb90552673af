import { createError } from '../../errors/errors.js';

/** Decoded pixels: row-major, channels interleaved. One channel means grey, that is three equal channels. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** Only the upper byte of 16-bit values is used, as in TensorFlow. */
  readonly pixels: Uint8Array | Uint16Array;
  /** Where these are only the rows and columns of another picture that `prepare` looks at: the size of that one. */
  readonly sampledOf?: Pick<Picture, 'width' | 'height'> | undefined;
}

/** Which frame of a file with several. */
export type FrameChoice = 'first' | 'middle';

/** Checks the size from the header, before any pixel is decoded. @throws picture_too_large */
export function requireSize(width: number, height: number, maxMegapixels: number): void {
  if (width * height > maxMegapixels * 1_000_000)
    throw createError('picture_too_large', { rows: height, columns: width, limit: maxMegapixels });
}
