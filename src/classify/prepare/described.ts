import { createError } from '../../errors/errors.js';
import type { Size } from '../graph/steps.js';
import type { InputForm } from '../onnx/fit.js';
import type { Picture } from './picture.js';

/** Where the whole picture lies in the input, in pixels of the input. It reaches beyond it where it is cropped. */
export interface Placement extends Size {
  readonly left: number;
  readonly top: number;
}

const kernels = {
  nearest: 'nearest',
  bilinear: 'linear',
  bicubic: 'cubic',
  lanczos: 'lanczos3',
} as const satisfies Record<InputForm['interpolation'], string>;

export function placementOf(
  picture: Size,
  { height, width, resize, cropShare }: Pick<InputForm, 'height' | 'width' | 'resize' | 'cropShare'>,
): Placement {
  if (resize === 'squash') return { left: 0, top: 0, height, width };
  // As timm and torchvision, which round sides down. The tolerance is for those that are whole but for rounding.
  const down = (length: number) => Math.max(1, Math.floor(length + 1e-6));
  const share = resize === 'crop' ? cropShare : 1;
  const ratios = [down(height / share) / picture.height, down(width / share) / picture.width];
  const scale = resize === 'crop' ? Math.max(...ratios) : Math.min(...ratios);
  const size = { height: down(picture.height * scale), width: down(picture.width * scale) };
  return {
    ...size,
    left: Math.round((width - size.width) / 2),
    top: Math.round((height - size.height) / 2),
  };
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
  const { default: sharp } = await import('sharp');
  const bytes = pixels instanceof Uint16Array ? upperBytes(pixels) : pixels;
  let image = sharp(bytes, {
    raw: { width: picture.width, height: picture.height, channels },
    limitInputPixels: false,
  }).resize(width, height, { fit: 'fill', kernel: kernels[interpolation] });
  if (left < 0 || top < 0 || width > inputWidth || height > inputHeight)
    image = image.extract({ left: -left, top: -top, width: inputWidth, height: inputHeight });
  else if (width < inputWidth || height < inputHeight)
    image = image.extend({
      left,
      top,
      right: inputWidth - width - left,
      bottom: inputHeight - height - top,
      background: { r: fill, g: fill, b: fill },
    });
  try {
    return await image
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer();
  } catch (error) {
    const { message } = error as Error;
    throw createError('picture_undecodable', { problem: `it cannot be resized (${message})` }, error);
  }
}
