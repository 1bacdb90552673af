import { createHash } from 'node:crypto';
import { type Element, encapsulated, type TransferSyntax, type Vr, writePart10 } from './part10.js';

const storage = '1.2.840.10008.5.1.4.1.1';
/** Modality → its usual SOP class. */
export const sopClasses = {
  CR: `${storage}.1`,
  DX: `${storage}.1.1`,
  PX: `${storage}.1.1`,
  MG: `${storage}.1.2`,
  IO: `${storage}.1.3`,
  RG: `${storage}.7`,
  OT: `${storage}.7`,
  CT: `${storage}.2`,
  MR: `${storage}.4`,
  US: `${storage}.6.1`,
  NM: `${storage}.20`,
  PT: `${storage}.128`,
  SR: `${storage}.88.33`,
  KO: `${storage}.88.59`,
  PR: `${storage}.11.1`,
  SEG: `${storage}.66.4`,
  DOC: `${storage}.104.1`,
  ECG: `${storage}.9.1.1`,
  RTDOSE: `${storage}.481.2`,
} as const;

export interface InstanceOptions {
  modality?: keyof typeof sopClasses;
  sopClassUid?: string;
  studyInstanceUid?: string;
  seriesInstanceUid?: string;
  sopInstanceUid?: string;
  patientName?: string;
  patientId?: string;
  /** More attributes, or other values, by tag: `{'0018,0015': ['CS', 'CHEST']}`; `absent` removes one. */
  attributes?: Record<string, readonly [Vr, Element['value']] | 'absent'>;
}

export interface ImageOptions extends InstanceOptions {
  rows?: number;
  columns?: number;
  frames?: number;
  photometricInterpretation?: 'MONOCHROME1' | 'MONOCHROME2' | 'RGB';
  /** 8 makes bytes, 9 to 16 make words. */
  bitsStored?: number;
  window?: { center: number; width: number };
  /** Samples of all frames. Default: a gradient from dark (top left) to bright. */
  pixels?: Uint8Array | Uint16Array;
  /** Number of bytes that are missing at the end of the pixel data. */
  truncateBy?: number;
  /** Compressed frames, in place of `pixels`. */
  compressed?: { transferSyntax: TransferSyntax | (string & {}); frames: readonly Uint8Array[] };
}

/** A UID that only the seed determines. */
export function uid(seed: string): string {
  return `2.25.${BigInt(`0x${createHash('sha256').update(seed).digest('hex').slice(0, 32)}`)}`;
}

let instanceCount = 0;

/** An instance without pixels: a report, a presentation state, or a radiograph without picture. */
export function instance(options: InstanceOptions = {}): Buffer {
  return writePart10(dataset(options, []), 'explicitLittleEndian');
}

/** A picture: by default a small 12-bit radiograph of modality DX. */
export function image(options: ImageOptions = {}): Buffer {
  const { rows = 64, columns = 64, frames = 1, bitsStored = 12, truncateBy = 0 } = options;
  const photometric = options.photometricInterpretation ?? 'MONOCHROME2';
  const samples = photometric === 'RGB' ? 3 : 1;
  const wide = bitsStored > 8;
  const attributes: Element[] = [
    { tag: '0028,0002', vr: 'US', value: samples },
    { tag: '0028,0004', vr: 'CS', value: photometric },
    { tag: '0028,0010', vr: 'US', value: rows },
    { tag: '0028,0011', vr: 'US', value: columns },
    { tag: '0028,0100', vr: 'US', value: wide ? 16 : 8 },
    { tag: '0028,0101', vr: 'US', value: bitsStored },
    { tag: '0028,0102', vr: 'US', value: bitsStored - 1 },
    { tag: '0028,0103', vr: 'US', value: 0 },
  ];
  if (samples === 3) attributes.push({ tag: '0028,0006', vr: 'US', value: 0 });
  if (frames > 1) attributes.push({ tag: '0028,0008', vr: 'IS', value: frames });
  if (options.window) {
    attributes.push(
      { tag: '0028,1050', vr: 'DS', value: options.window.center },
      { tag: '0028,1051', vr: 'DS', value: options.window.width },
    );
  }
  const { compressed } = options;
  if (compressed) {
    attributes.push(encapsulated(compressed.frames));
    return writePart10(dataset(options, attributes), compressed.transferSyntax);
  }
  const pixels = options.pixels ?? gradient({ rows, columns, frames, samples, bitsStored });
  // Two exposures are never equal: values in the middle of a default picture depend on its UID.
  const sopInstanceUid = options.sopInstanceUid ?? uid(`instance ${instanceCount + 1}`);
  if (options.pixels === undefined && pixels.length >= 64)
    pixels.set(
      createHash('sha1').update(sopInstanceUid).digest().subarray(0, 4),
      Math.floor(pixels.length / 2),
    );
  const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength - truncateBy);
  attributes.push({ tag: '7fe0,0010', vr: wide ? 'OW' : 'OB', value: bytes });
  return writePart10(dataset(options, attributes), 'explicitLittleEndian');
}

/** Grey values, row-major. */
export interface GreyPicture {
  width: number;
  height: number;
  grey: Uint8Array;
}

/** A picture as a modality stores it: 16-bit words, scaled to any size, with a window of all values. */
export function radiograph(
  picture: GreyPicture,
  options: Omit<ImageOptions, 'pixels' | 'compressed' | 'frames'> = {},
): Buffer {
  const { rows = picture.height, columns = picture.width, bitsStored = 12 } = options;
  const white = 2 ** bitsStored - 1;
  const inverted = options.photometricInterpretation === 'MONOCHROME1';
  const pixels = new Uint16Array(rows * columns);
  for (let y = 0, index = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const value = Math.round((sample(picture, (x + 0.5) / columns, (y + 0.5) / rows) * white) / 255);
      pixels[index++] = inverted ? white - value : value;
    }
  }
  const window = options.window ?? { center: 2 ** (bitsStored - 1), width: 2 ** bitsStored };
  return image({ modality: 'CR', ...options, rows, columns, bitsStored, window, pixels });
}

/** Bilinear interpolation. @param u horizontal position, 0 … 1 @param v vertical position, 0 … 1 */
function sample({ width, height, grey }: GreyPicture, u: number, v: number): number {
  const x = Math.min(Math.max(u * width - 0.5, 0), width - 1);
  const y = Math.min(Math.max(v * height - 0.5, 0), height - 1);
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, bottom] = [Math.min(left + 1, width - 1), Math.min(top + 1, height - 1)];
  const at = (column: number, row: number) => grey[row * width + column] ?? 0;
  const upper = at(left, top) + (at(right, top) - at(left, top)) * (x - left);
  const lower = at(left, bottom) + (at(right, bottom) - at(left, bottom)) * (x - left);
  return upper + (lower - upper) * (y - top);
}

function gradient(shape: {
  rows: number;
  columns: number;
  frames: number;
  samples: number;
  bitsStored: number;
}): Uint8Array | Uint16Array {
  const { rows, columns, frames, samples, bitsStored } = shape;
  const count = rows * columns * frames * samples;
  const pixels = bitsStored > 8 ? new Uint16Array(count) : new Uint8Array(count);
  const step = (2 ** bitsStored - 1) / Math.max(1, rows + columns - 2);
  for (let row = 0; row < rows * frames; row++) {
    const start = row * columns * samples;
    for (let column = 0; column < columns; column++) {
      const value = Math.floor(((row % rows) + column) * step);
      pixels.fill(value, start + column * samples, start + (column + 1) * samples);
    }
  }
  return pixels;
}

export function dataset(options: InstanceOptions, extra: Element[]): Element[] {
  const { modality = 'DX', patientName = 'TEST^PLAINVIEW', patientId = 'PLAINVIEW-TEST' } = options;
  instanceCount += 1;
  const elements: Element[] = [
    { tag: '0008,0005', vr: 'CS', value: 'ISO_IR 100' },
    { tag: '0008,0016', vr: 'UI', value: options.sopClassUid ?? sopClasses[modality] },
    { tag: '0008,0018', vr: 'UI', value: options.sopInstanceUid ?? uid(`instance ${instanceCount}`) },
    { tag: '0008,0020', vr: 'DA', value: '20240101' },
    { tag: '0008,0030', vr: 'TM', value: '120000' },
    { tag: '0008,0050', vr: 'SH', value: '' },
    { tag: '0008,0060', vr: 'CS', value: modality },
    { tag: '0008,0070', vr: 'LO', value: 'Plainview test fixtures' },
    { tag: '0008,0090', vr: 'PN', value: '' },
    { tag: '0010,0010', vr: 'PN', value: patientName },
    { tag: '0010,0020', vr: 'LO', value: patientId },
    { tag: '0010,0030', vr: 'DA', value: '' },
    { tag: '0010,0040', vr: 'CS', value: '' },
    { tag: '0018,0015', vr: 'CS', value: '' },
    { tag: '0018,5101', vr: 'CS', value: '' },
    { tag: '0020,000d', vr: 'UI', value: options.studyInstanceUid ?? uid(`study ${instanceCount}`) },
    { tag: '0020,000e', vr: 'UI', value: options.seriesInstanceUid ?? uid(`series ${instanceCount}`) },
    { tag: '0020,0010', vr: 'SH', value: '1' },
    { tag: '0020,0011', vr: 'IS', value: 1 },
    { tag: '0020,0013', vr: 'IS', value: 1 },
    { tag: '0020,0020', vr: 'CS', value: '' },
    { tag: '0020,0060', vr: 'CS', value: '' },
    ...extra,
  ];
  const overrides = Object.entries(options.attributes ?? {}).flatMap(([tag, given]): Element[] =>
    given === 'absent' ? [] : [{ tag, vr: given[0], value: given[1] }],
  );
  return [...elements.filter(({ tag }) => !options.attributes?.[tag]), ...overrides];
}
