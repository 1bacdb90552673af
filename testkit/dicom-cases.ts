import { createRequire } from 'node:module';
import dcmjsCodecs from 'dcmjs-codecs';
import sharp from 'sharp';
import { type GreyPicture, type ImageOptions, image } from './dicom.js';
import { encodings } from './encodings.js';

/** A picture in one way that DICOM can store it. */
export interface DicomCase {
  name: string;
  file: (picture: GreyPicture) => Buffer | Promise<Buffer>;
  /** Transfer syntax into which Orthanc encodes it. */
  transcodedTo?: string;
}

type Attributes = NonNullable<ImageOptions['attributes']>;

const us = (value: number) => ['US', value] as const;
const cs = (value: string) => ['CS', value] as const;
const ds = (value: string) => ['DS', value] as const;

interface Grey extends Omit<ImageOptions, 'pixels' | 'window'> {
  /** Of a share from 0 (black) to 1 (white). */
  value?: (share: number, index: number) => number;
}

/** A grey picture; by default all values of its bits, unsigned, with a window of all of them. */
function grey(picture: GreyPicture, { value, ...options }: Grey = {}): Buffer {
  const { bitsStored = 12 } = options;
  const white = 2 ** bitsStored - 1;
  const samples = Array.from(picture.grey, (level, i) =>
    Math.round(value === undefined ? (level / 255) * white : value(level / 255, i)),
  );
  const frames = options.frames ?? 1;
  const all = Array.from({ length: frames }, (_, frame) =>
    samples.map((sample) => (frame === 0 ? sample : white - sample)),
  ).flat();
  const pixels =
    bitsStored > 8
      ? Uint16Array.from(all, (each) => each & 0xffff)
      : Uint8Array.from(all, (each) => each & 0xff);
  const { width: columns, height: rows } = picture;
  return image({
    modality: 'CR',
    rows,
    columns,
    ...options,
    pixels,
    attributes: { ...windowOf(2 ** (bitsStored - 1), 2 ** bitsStored), ...options.attributes },
  });
}

const windowOf = (center: number | string, width: number | string): Attributes => ({
  '0028,1050': ds(String(center)),
  '0028,1051': ds(String(width)),
});
const noWindow: Attributes = { '0028,1050': 'absent', '0028,1051': 'absent' };

/** A colour picture: grey with a little of each colour. */
function colour(picture: GreyPicture, attributes: Attributes = {}, planar = false): Buffer {
  const count = picture.grey.length;
  const pixels = new Uint8Array(3 * count);
  picture.grey.forEach((level, p) => {
    for (let c = 0; c < 3; c++)
      pixels[planar ? c * count + p : 3 * p + c] = Math.min(
        Math.max(level + (c - 1) * ((p % 7) * 4), 0),
        255,
      );
  });
  return image({
    modality: 'CR',
    rows: picture.height,
    columns: picture.width,
    photometricInterpretation: 'RGB',
    bitsStored: 8,
    pixels,
    attributes: { '0028,0006': us(planar ? 1 : 0), ...attributes },
  });
}

type Encoder = 'encodeJpeg2000' | 'encodeHtJpeg2000' | 'encodeJpegLs' | 'encodeRle';
let ready: Promise<void> | undefined;

/** A grey picture, compressed by dcmjs-codecs. */
export async function compressed(
  picture: GreyPicture,
  encoder: Encoder,
  transferSyntax: string,
  {
    lossy = false,
    frames = 1,
    fragments = 1,
    attributes = {},
  }: { lossy?: boolean; frames?: number; fragments?: number; attributes?: Attributes } = {},
): Promise<Buffer> {
  const { NativeCodecs, Context } = dcmjsCodecs;
  ready ??= NativeCodecs.initializeAsync({
    webAssemblyModulePathOrUrl: createRequire(import.meta.url).resolve(
      'dcmjs-codecs/build/dcmjs-native-codecs.wasm',
    ),
  });
  await ready;
  const { width, height } = picture;
  const encode = (frame: number) => {
    const values = Uint16Array.from(picture.grey, (level) => {
      const value = Math.round((level / 255) * 4095);
      return frame === 0 ? value : 4095 - value;
    });
    const context = new Context({
      width,
      height,
      bitsAllocated: 16,
      bitsStored: 12,
      samplesPerPixel: 1,
      pixelRepresentation: 0,
      planarConfiguration: 0,
      photometricInterpretation: 'MONOCHROME2',
      decodedBuffer: new Uint8Array(values.buffer),
    });
    return NativeCodecs[encoder](context, lossy ? { lossy } : {}).getEncodedBuffer() ?? new Uint8Array();
  };
  return image({
    modality: 'CR',
    rows: height,
    columns: width,
    frames,
    window: { center: 2048, width: 4096 },
    attributes,
    compressed: {
      transferSyntax,
      frames: Array.from({ length: frames }, (_, frame) => encode(frame)).flatMap((bytes) =>
        Array.from({ length: fragments }, (_, i) =>
          bytes.subarray(i * 200, i < fragments - 1 ? (i + 1) * 200 : undefined),
        ),
      ),
    },
  });
}

/** A JPEG file of libjpeg-turbo in a DICOM file. */
async function jpeg({ width, height, grey }: GreyPicture, subsampling?: '4:2:2'): Promise<Buffer> {
  const source = sharp(grey, { raw: { width, height, channels: 1 } });
  const file = await (subsampling === undefined
    ? source.toColourspace('b-w').jpeg({ quality: 85 })
    : source.tint('#ffd8b0').toColourspace('srgb').jpeg({ quality: 90, chromaSubsampling: '4:2:0' })
  ).toBuffer();
  return image({
    modality: 'CR',
    rows: height,
    columns: width,
    bitsStored: 8,
    ...(subsampling === undefined
      ? { window: { center: 128, width: 256 } }
      : { photometricInterpretation: 'RGB', attributes: { '0028,0004': cs('YBR_FULL_422') } }),
    compressed: { transferSyntax: syntax('.4.50'), frames: [file] },
  });
}

const syntax = (end: string) => `1.2.840.10008.1.2${end}`;
const eight = (picture: GreyPicture) => grey(picture, { bitsStored: 8 });
const signed: Grey = {
  value: (share) => share * 65_535 - 32_768,
  bitsStored: 16,
  attributes: { '0028,0103': us(1), ...windowOf(0, 65_536) },
};

const transferSyntaxes: DicomCase[] = [
  { name: 'Explicit VR Little Endian', file: (picture) => grey(picture) },
  { name: 'Implicit VR Little Endian', file: (picture) => grey(picture), transcodedTo: syntax('') },
  { name: 'Explicit VR Big Endian', file: (picture) => grey(picture), transcodedTo: syntax('.2') },
  { name: 'Explicit VR Big Endian, 8 bits', file: eight, transcodedTo: syntax('.2') },
  {
    name: 'Explicit VR Big Endian, signed',
    file: (picture) => grey(picture, signed),
    transcodedTo: syntax('.2'),
  },
  { name: 'Deflated', file: (picture) => grey(picture), transcodedTo: syntax('.1.99') },
  { name: 'RLE', file: (picture) => compressed(picture, 'encodeRle', syntax('.5')) },
  { name: 'JPEG baseline, 8 bits', file: eight, transcodedTo: syntax('.4.50') },
  { name: 'JPEG baseline of another encoder, 8 bits', file: (picture) => jpeg(picture) },
  { name: 'JPEG extended, 12 bits', file: (picture) => grey(picture), transcodedTo: syntax('.4.51') },
  { name: 'JPEG lossless, any predictor', file: (picture) => grey(picture), transcodedTo: syntax('.4.57') },
  { name: 'JPEG lossless', file: (picture) => grey(picture), transcodedTo: syntax('.4.70') },
  {
    name: 'JPEG lossless, 16 bits',
    file: (picture) => grey(picture, { bitsStored: 16 }),
    transcodedTo: syntax('.4.70'),
  },
  { name: 'JPEG lossless, signed', file: (picture) => grey(picture, signed), transcodedTo: syntax('.4.70') },
  { name: 'JPEG-LS lossless', file: (picture) => grey(picture), transcodedTo: syntax('.4.80') },
  {
    name: 'JPEG-LS lossless, 16 bits',
    file: (picture) => grey(picture, { bitsStored: 16 }),
    transcodedTo: syntax('.4.80'),
  },
  { name: 'JPEG-LS near lossless', file: (picture) => grey(picture), transcodedTo: syntax('.4.81') },
  {
    name: 'JPEG 2000 lossless',
    file: (picture) => compressed(picture, 'encodeJpeg2000', syntax('.4.90')),
  },
  {
    name: 'JPEG 2000',
    file: (picture) => compressed(picture, 'encodeJpeg2000', syntax('.4.91'), { lossy: true }),
  },
  { name: 'JPEG 2000 lossless of GDCM', file: (picture) => grey(picture), transcodedTo: syntax('.4.90') },
  {
    name: 'JPEG 2000, two fragments',
    file: (picture) => compressed(picture, 'encodeJpeg2000', syntax('.4.90'), { fragments: 2 }),
  },
  { name: 'HTJ2K lossless', file: (picture) => compressed(picture, 'encodeHtJpeg2000', syntax('.4.201')) },
];

const lossless = [
  ['JPEG lossless', '.4.70'],
  ['JPEG-LS', '.4.80'],
] as const;
/** What the values hold besides those stored goes through a codec too. */
const compressedOddly = lossless.flatMap(([name, end]): DicomCase[] => [
  {
    name: `signed, 12 bits, the sign extended, ${name}`,
    file: (picture) =>
      grey(picture, {
        value: (share) => share * 4095 - 2048,
        attributes: { '0028,0103': us(1), ...windowOf(0, 4096) },
      }),
    transcodedTo: syntax(end),
  },
  {
    name: `MONOCHROME1, 10 bits, ${name}`,
    file: (picture) => grey(picture, { bitsStored: 10, photometricInterpretation: 'MONOCHROME1' }),
    transcodedTo: syntax(end),
  },
]);

const padded = (share: number, index: number) => (index % 9 === 0 ? 63_000 : 500 + share * 3000);

const greyscales: DicomCase[] = [
  { name: '8 bits', file: eight },
  { name: '8 bits, no window', file: (picture) => grey(picture, { bitsStored: 8, attributes: noWindow }) },
  { name: '10 bits', file: (picture) => grey(picture, { bitsStored: 10 }) },
  { name: '12 bits, no window', file: (picture) => grey(picture, { attributes: noWindow }) },
  { name: '14 bits', file: (picture) => grey(picture, { bitsStored: 14 }) },
  { name: '16 bits', file: (picture) => grey(picture, { bitsStored: 16 }) },
  {
    name: '8 bits, signed',
    file: (picture) =>
      grey(picture, {
        value: (share) => share * 255 - 128,
        bitsStored: 8,
        attributes: { '0028,0103': us(1), ...windowOf(0, 256) },
      }),
  },
  { name: '16 bits, signed', file: (picture) => grey(picture, signed) },
  { name: 'MONOCHROME1', file: (picture) => grey(picture, { photometricInterpretation: 'MONOCHROME1' }) },
  {
    name: 'MONOCHROME1, no window',
    file: (picture) => grey(picture, { photometricInterpretation: 'MONOCHROME1', attributes: noWindow }),
  },
  { name: 'a narrow window', file: (picture) => grey(picture, { attributes: windowOf(1500.5, 777.7) }) },
  { name: 'a window of width 1', file: (picture) => grey(picture, { attributes: windowOf(2000, 1) }) },
  {
    name: 'two windows',
    file: (picture) => grey(picture, { attributes: windowOf('1800\\500', '2500\\100') }),
  },
  {
    name: 'Rescale Slope 2, Intercept -1024',
    file: (picture) =>
      grey(picture, {
        attributes: { '0028,1052': ds('-1024'), '0028,1053': ds('2'), ...windowOf(3000, 6000) },
      }),
  },
  {
    name: 'Rescale Slope 0.37, no window',
    file: (picture) =>
      grey(picture, { attributes: { '0028,1052': ds('12.5'), '0028,1053': ds('0.37'), ...noWindow } }),
  },
  {
    name: 'Rescale Intercept alone',
    file: (picture) => grey(picture, { attributes: { '0028,1052': ds('-1000'), ...windowOf(1000, 3000) } }),
  },
  {
    name: 'Pixel Padding Value with a window',
    file: (picture) =>
      grey(picture, {
        value: padded,
        bitsStored: 16,
        attributes: { '0028,0120': us(63_000), ...windowOf(2000, 3000) },
      }),
  },
  {
    name: 'bits above those stored (an old overlay)',
    file: (picture) =>
      grey(picture, { value: (share, i) => Math.round(share * 4095) | (i % 3 === 0 ? 0xa000 : 0) }),
  },
  {
    name: 'Pixel Spacing of unequal sides',
    file: (picture) => grey(picture, { attributes: { '0028,0030': ds('0.1\\0.2') } }),
  },
  { name: 'three frames', file: (picture) => grey(picture, { frames: 3 }) },
  {
    name: 'three frames, JPEG-LS',
    file: (picture) => grey(picture, { frames: 3 }),
    transcodedTo: syntax('.4.80'),
  },
  {
    name: 'three frames, JPEG 2000',
    file: (picture) => compressed(picture, 'encodeJpeg2000', syntax('.4.90'), { frames: 3 }),
  },
];

const palette = (of: (level: number) => number) =>
  ['OW', new Uint8Array(Uint16Array.from({ length: 256 }, (_, i) => of(i) * 257).buffer)] as const;
const ybr = { '0028,0004': cs('YBR_FULL') };

const colours: DicomCase[] = [
  { name: 'RGB', file: (picture) => colour(picture) },
  { name: 'RGB, by plane', file: (picture) => colour(picture, {}, true) },
  { name: 'RGB, JPEG baseline', file: (picture) => colour(picture), transcodedTo: syntax('.4.50') },
  { name: 'RGB, JPEG lossless', file: (picture) => colour(picture), transcodedTo: syntax('.4.70') },
  { name: 'RGB, JPEG-LS', file: (picture) => colour(picture), transcodedTo: syntax('.4.80') },
  { name: 'YBR_FULL_422, JPEG baseline of another encoder', file: (picture) => jpeg(picture, '4:2:2') },
  { name: 'YBR_FULL', file: (picture) => colour(picture, ybr) },
  {
    name: 'PALETTE COLOR',
    file: (picture) =>
      grey(picture, {
        bitsStored: 8,
        attributes: {
          ...noWindow,
          '0028,0004': cs('PALETTE COLOR'),
          '0028,1101': us3([256, 0, 16]),
          '0028,1102': us3([256, 0, 16]),
          '0028,1103': us3([256, 0, 16]),
          '0028,1201': palette((level) => level),
          '0028,1202': palette((level) => 255 - level),
          '0028,1203': palette((level) => level >> 1),
        },
      }),
  },
];

function us3(value: readonly number[]) {
  return ['US', value] as const;
}

/** With those of which Orthanc's rendering is not what a viewer shows. */
export const dicomCases: readonly DicomCase[] = [
  ...transferSyntaxes,
  ...compressedOddly,
  ...greyscales,
  ...encodings.map(({ name, encode }) => ({ name, file: encode })),
  ...colours,
];
