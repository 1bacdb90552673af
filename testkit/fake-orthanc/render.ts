import sharp from 'sharp';
import type { Dataset } from './dataset.js';

interface Picture {
  width: number;
  height: number;
  /** 1 or 3 bytes a pixel. */
  channels: 1 | 3;
  pixels: Buffer;
}

export interface RenderingOptions {
  frame: number;
  width?: number | undefined;
  height?: number | undefined;
  center?: number | undefined;
  windowWidth?: number | undefined;
  quality?: number | undefined;
}

const formats = {
  'image/x-portable-arbitrarymap': (picture: Picture) => pam(picture),
  'image/png': (picture: Picture) => raw(picture).png().toBuffer(),
  'image/jpeg': (picture: Picture, quality: number) => raw(picture).jpeg({ quality }).toBuffer(),
};
type Format = keyof typeof formats;

/** @returns the media type that Orthanc supports and the client prefers */
export function formatFor(accept: string | undefined): Format | undefined {
  const accepted = (accept ?? '*/*').split(',').map((part) => {
    const [type = '', ...parameters] = part.trim().split(/\s*;\s*/);
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    return { type, q: q === undefined ? 1 : Number(q.slice(2)) };
  });
  for (const { type } of accepted.sort((a, b) => b.q - a.q)) {
    if (type === '*/*' || type === 'image/*') return 'image/png';
    if (type in formats) return type as Format;
  }
  return undefined;
}

/**
 * @returns undefined where Orthanc cannot render the frame, and for compressed pictures, which the fake does not
 *   decode
 */
export async function render(
  dataset: Dataset,
  format: Format,
  options: RenderingOptions,
): Promise<Buffer | undefined> {
  const picture = windowed(dataset, options);
  if (picture === undefined) return undefined;
  return formats[format](resized(picture, options), options.quality ?? 90);
}

/** `/frames/{n}/image-uint16`: the stored values without a window, as a PAM. @returns undefined where there are none */
export function storedValues(dataset: Dataset, frame: number): Buffer | undefined {
  const stored = storedFrame(dataset, frame);
  if (stored === undefined || stored.channels === 3) return undefined;
  const { width, height, bytesEach, bytes } = stored;
  const values = Buffer.alloc(width * height * 2);
  for (let index = 0; index < width * height; index++)
    values.writeUInt16BE(bytesEach === 2 ? bytes.readUInt16LE(2 * index) : (bytes[index] ?? 0), 2 * index);
  const head = `P7\nWIDTH ${width}\nHEIGHT ${height}\nDEPTH 1\nMAXVAL 65535\nTUPLTYPE GRAYSCALE\nENDHDR\n`;
  return Buffer.concat([Buffer.from(head), values]);
}

function storedFrame(dataset: Dataset, index: number) {
  const number = (tag: string) => Number(dataset.text(tag)?.split('\\')[0] || Number.NaN);
  const [height, width] = [number('0028,0010'), number('0028,0011')];
  const bytesEach = number('0028,0100') / 8;
  const channels = number('0028,0002') === 3 ? 3 : 1;
  const element = dataset.element('7fe0,0010');
  if (element === undefined || element.isEncapsulated || !Buffer.isBuffer(element.value)) return undefined;
  const count = width * height * channels;
  const bytes = element.value.subarray(index * count * bytesEach, (index + 1) * count * bytesEach);
  const frames = number('0028,0008') || 1;
  // Orthanc renders no frame of a file with truncated pixel data.
  if (!(index < frames && element.value.length >= frames * count * bytesEach)) return undefined;
  return { width, height, channels, bytesEach, bytes } as const;
}

function windowed(dataset: Dataset, options: RenderingOptions): Picture | undefined {
  const number = (tag: string) => Number(dataset.text(tag)?.split('\\')[0] || Number.NaN);
  const stored = storedFrame(dataset, options.frame);
  if (stored === undefined) return undefined;
  const { width, height, channels, bytesEach, bytes: frame } = stored;
  const count = width * height;
  if (channels === 3) return { width, height, channels, pixels: Buffer.from(frame) };
  const bits = number('0028,0101');
  const slope = number('0028,1053') || 1;
  const intercept = number('0028,1052') || 0;
  const center = options.center ?? (number('0028,1050') || 2 ** (bits - 1));
  const windowWidth = options.windowWidth ?? (number('0028,1051') || 2 ** bits);
  const isInverted = dataset.text('0028,0004') === 'MONOCHROME1';
  const pixels = Buffer.alloc(count);
  for (let index = 0; index < count; index++) {
    const stored = bytesEach === 2 ? frame.readUInt16LE(2 * index) : (frame[index] ?? 0);
    const value = stored * slope + intercept;
    const grey = Math.floor(((value - (center - windowWidth / 2)) / windowWidth) * 255);
    const bounded = Math.min(Math.max(grey, 0), 255);
    pixels[index] = isInverted ? 255 - bounded : bounded;
  }
  return { width, height, channels, pixels };
}

/** Scales the picture to fit into the requested size, without smoothing. */
function resized(picture: Picture, { width, height }: RenderingOptions): Picture {
  const { width: from, height: fromHeight, channels, pixels } = picture;
  const ratio = Math.min(
    (width ?? Number.POSITIVE_INFINITY) / from,
    (height ?? Number.POSITIVE_INFINITY) / fromHeight,
  );
  if (!Number.isFinite(ratio)) return picture;
  const [columns, rows] = [
    Math.max(1, Math.round(from * ratio)),
    Math.max(1, Math.round(fromHeight * ratio)),
  ];
  const smaller = Buffer.alloc(columns * rows * channels);
  for (let y = 0, at = 0; y < rows; y++)
    for (let x = 0; x < columns; x++, at += channels) {
      const [column, row] = [
        Math.floor(((x + 0.5) * from) / columns),
        Math.floor(((y + 0.5) * fromHeight) / rows),
      ];
      pixels.copy(smaller, at, (row * from + column) * channels, (row * from + column + 1) * channels);
    }
  return { width: columns, height: rows, channels, pixels: smaller };
}

const raw = ({ width, height, channels, pixels }: Picture) =>
  sharp(pixels, { raw: { width, height, channels } }).toColourspace(channels === 1 ? 'b-w' : 'srgb');

async function pam({ width, height, channels, pixels }: Picture): Promise<Buffer> {
  const type = channels === 1 ? 'GRAYSCALE' : 'RGB';
  const head = `P7\nWIDTH ${width}\nHEIGHT ${height}\nDEPTH ${channels}\nMAXVAL 255\nTUPLTYPE ${type}\nENDHDR\n`;
  return Buffer.concat([Buffer.from(head), pixels]);
}
