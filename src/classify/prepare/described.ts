import type { Sharp } from 'sharp';
import { createError } from '../../errors/errors.js';
import type { Size } from '../graph/steps.js';
import type { InputForm } from '../onnx/fit.js';
import { interpolated } from './interpolate.js';
import type { Picture } from './picture.js';

/** Where the whole picture lies in the input, in pixels of the input. It reaches beyond it where it is cropped. */
export interface Placement extends Size {
  readonly left: number;
  readonly top: number;
}

const kernels = {
  bilinear: 'linear',
  bicubic: 'cubic',
  lanczos: 'lanczos3',
} as const satisfies Record<Exclude<InputForm['interpolation'], 'nearest'>, string>;

export function placementOf(
  picture: Size,
  { height, width, resize, cropShare }: Pick<InputForm, 'height' | 'width' | 'resize' | 'cropShare'>,
): Placement {
  if (resize === 'squash') return { left: 0, top: 0, height, width };
  // The tolerance is for those that are whole but for rounding.
  const down = (length: number) => Math.max(1, Math.floor(length + 1e-6));
  const nearest = (length: number) => Math.max(1, toEven(length));
  const share = resize === 'crop' ? cropShare : 1;
  const ratios = [down(height / share) / picture.height, down(width / share) / picture.width];
  const scale = resize === 'crop' ? Math.max(...ratios) : Math.min(...ratios);
  // As torchvision, whose Resize rounds down and is for squares, and timm.
  const side = resize === 'crop' && height === width ? down : nearest;
  const size = { height: side(picture.height * scale), width: side(picture.width * scale) };
  const before = (whole: number, seen: number) =>
    whole > seen ? -toEven((whole - seen) / 2) : Math.floor((seen - whole) / 2);
  return { ...size, left: before(size.width, width), top: before(size.height, height) };
}

/** A positive number, rounded as Python does: halves to the next even number. */
function toEven(value: number): number {
  const rounded = Math.round(value);
  return value % 1 === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/**
 * Makes the input of a picture as a description says. Only the upper byte of 16-bit values is used.
 * @param picture the whole one
 * @returns [channels, height, width] or [height, width, channels]
 * @throws picture_undecodable
 */
export async function prepareAsDescribed(picture: Picture, form: InputForm): Promise<Float32Array> {
  if (picture.sampledOf !== undefined)
    throw createError('picture_undecodable', { problem: 'it holds only some rows and columns of a picture' });
  const { height, width, channels, layout, range, mean, std } = form;
  const levels = await resized(picture, form);
  const result = new Float32Array(height * width * channels);
  const pixels = height * width;
  const [black, white] = range;
  for (let c = 0; c < channels; c++) {
    const [offset, scale] = [(mean[c] ?? 0) - black, (white - black) / 255];
    const divisor = std[c] ?? 1;
    for (let p = 0; p < pixels; p++) {
      const to = layout === 'NCHW' ? c * pixels + p : p * channels + c;
      result[to] = (levelAt(levels, picture.channels, channels, p, c) * scale - offset) / divisor;
    }
  }
  return result;
}

/** Grey is three equal channels; of colours, grey is the luma of ITU-R BT.601, as in Pillow. */
function levelAt(levels: Uint8Array, from: 1 | 3, to: 1 | 3, pixel: number, channel: number): number {
  if (from === 1) return levels[pixel] ?? 0;
  const at = (c: number) => levels[pixel * 3 + c] ?? 0;
  return to === 3 ? at(channel) : Math.round(0.299 * at(0) + 0.587 * at(1) + 0.114 * at(2));
}

/** A loop, since `Uint8Array.from` takes many times longer. */
function upperBytes(values: Uint16Array): Uint8Array {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (values[i] ?? 0) >> 8;
  return bytes;
}

/** @returns grey levels 0 … 255 in the size of the input, [height, width, channels of the picture] */
async function resized(picture: Picture, form: InputForm): Promise<Uint8Array> {
  const { width: inputWidth, height: inputHeight, fill, interpolation } = form;
  const { left, top, width, height } = placementOf(picture, form);
  const { pixels, channels } = picture;
  const bytes = pixels instanceof Uint16Array ? upperBytes(pixels) : pixels;
  const start = { left: Math.max(0, -left), top: Math.max(0, -top) };
  const seen = { height: Math.min(height, inputHeight), width: Math.min(width, inputWidth) };
  // Smoothed where it is made smaller. What is left to do enlarges it, or takes single pixels.
  const small: Size =
    interpolation === 'nearest'
      ? picture
      : { height: Math.min(height, picture.height), width: Math.min(width, picture.width) };
  const { default: sharp } = await import('sharp');
  const imageOf = (levels: Uint8Array, size: Size) =>
    sharp(levels, {
      raw: { width: size.width, height: size.height, channels },
      limitInputPixels: false,
    });
  const levelsOf = (image: Sharp) =>
    image
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer();
  try {
    let image = imageOf(bytes, picture);
    const isShrunk = small.height < picture.height || small.width < picture.width;
    if (interpolation !== 'nearest' && isShrunk)
      image = image.resize(small.width, small.height, { fit: 'fill', kernel: kernels[interpolation] });
    if (small.height === height && small.width === width) image = image.extract({ ...start, ...seen });
    else {
      const to = {
        rows: { length: height, start: start.top, count: seen.height },
        columns: { length: width, start: start.left, count: seen.width },
      };
      const levels = isShrunk ? await levelsOf(image) : bytes;
      image = imageOf(interpolated(levels, small, to, channels, interpolation), seen);
    }
    if (seen.width < inputWidth || seen.height < inputHeight)
      image = image.extend({
        left: Math.max(0, left),
        top: Math.max(0, top),
        right: inputWidth - seen.width - Math.max(0, left),
        bottom: inputHeight - seen.height - Math.max(0, top),
        background: { r: fill, g: fill, b: fill },
      });
    return await levelsOf(image);
  } catch (error) {
    const { message } = error as Error;
    throw createError('picture_undecodable', { problem: `it cannot be resized (${message})` }, error);
  }
}
