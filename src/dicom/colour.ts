import { createError } from '../errors/errors.js';
import type { DecodedFrame, FrameShape } from './codecs.js';
import { type DicomFile, paletteOf } from './read.js';

/** 8-bit RGB, interleaved. @throws dicom_needs_server */
export function rgbOf(frame: DecodedFrame, shape: FrameShape): Uint8Array {
  const { photometric } = frame;
  if (shape.samples !== 3 || shape.bitsAllocated !== 8)
    throw createError('dicom_needs_server', {
      why: `it has Photometric Interpretation ${photometric} with ${shape.samples} samples of ${shape.bitsAllocated} bits`,
    });
  const pixels = shape.width * shape.height;
  const rgb = new Uint8Array(3 * pixels);
  const [next, step] = frame.isPlanar ? [pixels, 1] : [1, 3];
  for (let p = 0; p < pixels; p++)
    for (let c = 0; c < 3; c++) rgb[3 * p + c] = frame.samples[p * step + c * next] ?? 0;
  if (/^YBR_FULL/.test(photometric)) toRgb(rgb);
  return rgb;
}

/** PS3.3 C.7.6.3.1.2 */
function toRgb(pixels: Uint8Array): void {
  const clamped = new Uint8ClampedArray(pixels.buffer);
  for (let p = 0; p < pixels.length; p += 3) {
    const [y = 0, cb = 0, cr = 0] = pixels.subarray(p, p + 3);
    clamped[p] = y + 1.402 * (cr - 128);
    clamped[p + 1] = y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128);
    clamped[p + 2] = y + 1.772 * (cb - 128);
  }
}

/** 8-bit RGB of indices (PS3.3 C.7.6.3.1.5). @throws dicom_needs_server */
export function throughPalette(file: DicomFile, frame: DecodedFrame, shape: FrameShape): Uint8Array {
  const palettes = paletteOf(file);
  if (palettes === undefined || shape.bitsAllocated !== 8 || shape.samples !== 1)
    throw createError('dicom_needs_server', { why: 'it has no palette for indices of 8 bits' });
  const rgb = new Uint8Array(3 * frame.samples.length);
  frame.samples.forEach((index, p) => {
    palettes.forEach(({ first, levels }, c) => {
      rgb[3 * p + c] = levels[Math.min(Math.max(index - first, 0), levels.length - 1)] ?? 0;
    });
  });
  return rgb;
}
