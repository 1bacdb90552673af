import { createError } from '../../errors/errors.js';

/** Decoded pixels: row-major, channels interleaved; grey stands for three equal channels. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** 16-bit values are used by their upper byte alone, as TensorFlow does. */
  readonly pixels: Uint8Array | Uint16Array;
}

/** @throws picture_too_large; called with what the header says, before any pixel is decoded */
export function requireSize(width: number, height: number, maxMegapixels: number): void {
  if (width * height > maxMegapixels * 1_000_000)
    throw createError('picture_too_large', { rows: height, columns: width, limit: maxMegapixels });
}
