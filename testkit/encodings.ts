import { type GreyPicture, type ImageOptions, image, radiograph } from './dicom.js';
import type { Item, Vr } from './part10.js';

type Attributes = NonNullable<ImageOptions['attributes']>;

/** A picture of which Orthanc's rendering is not what a viewer shows, made of values from 0 (black) to 1 (white). */
export interface Encoding {
  name: string;
  encode: (picture: GreyPicture) => Buffer;
  /** The same picture in the usual form, where it has other values than the given one. */
  plain?: (picture: GreyPicture) => Buffer;
}

export const plain = (picture: GreyPicture): Buffer => radiograph(picture);

const us = (value: number) => ['US', value] as const;
const cs = (value: string) => ['CS', value] as const;
const ds = (value: string) => ['DS', value] as const;
const windowOf = (center: string, width: string): Attributes => ({
  '0028,1050': ds(center),
  '0028,1051': ds(width),
});
const whole12 = windowOf('2048', '4096');

function stored(
  { width, height, grey }: GreyPicture,
  value: (share: number, index: number) => number,
  attributes: Attributes,
  bitsStored = 12,
): Buffer {
  const pixels = Uint16Array.from(grey, (each, i) => Math.round(value(each / 255, i)) & 0xffff);
  return image({ modality: 'CR', rows: height, columns: width, bitsStored, pixels, attributes });
}

function lut(of: (share: number) => number, entries: number, bits: number): readonly [Vr, readonly Item[]] {
  const data = Uint16Array.from({ length: entries }, (_, i) =>
    Math.round(of(i / (entries - 1)) * (2 ** bits - 1)),
  );
  const item: Item = [
    { tag: '0028,3002', vr: 'US', value: [entries, 0, bits] },
    { tag: '0028,3004', vr: 'LO', value: 'US' },
    { tag: '0028,3006', vr: 'OW', value: new Uint8Array(data.buffer) },
  ];
  return ['SQ', [item]];
}

/** Black at the left and right, 1/24 of the width each. */
const isMargin = ({ width }: GreyPicture, index: number): boolean =>
  Math.abs((index % width) / (width - 1) - 0.5) > 0.5 - 1 / 24;
const withMargin = (picture: GreyPicture): GreyPicture => ({
  ...picture,
  grey: picture.grey.map((value, index) => (isMargin(picture, index) ? 0 : value)),
});

const negative = (share: number) => (1 - share) * 4095;
const logit = (share: number) => {
  const inside = Math.min(Math.max(share, 0.002), 0.998);
  return Math.log(inside / (1 - inside));
};

export const encodings: readonly Encoding[] = [
  {
    name: 'Window Width 0',
    encode: (picture) => stored(picture, (share) => share * 4095, windowOf('2048', '0')),
  },
  {
    name: 'a window below the values',
    encode: (picture) => stored(picture, (share) => 1000 + share * 3000, windowOf('-5000', '100')),
  },
  {
    name: 'a window above the values',
    encode: (picture) => stored(picture, (share) => share * 3000, windowOf('20000', '400')),
  },
  {
    name: 'no window, 12 of 16 bits used',
    encode: (picture) => stored(picture, (share) => share * 4095, {}, 16),
  },
  {
    name: 'no window, 10 of 12 bits used',
    encode: (picture) => stored(picture, (share) => share * 1023, {}),
  },
  {
    name: 'no window, signed',
    encode: (picture) => stored(picture, (share) => share * 4095 - 2048, { '0028,0103': us(1) }, 16),
  },
  {
    name: 'no window, padded',
    encode: (picture) =>
      stored(
        picture,
        (share, i) => (isMargin(picture, i) ? 65_535 : 500 + share * 3000),
        { '0028,0120': us(65_535) },
        16,
      ),
    plain: (picture) => plain(withMargin(picture)),
  },
  {
    name: 'Rescale Slope and Intercept, no window',
    encode: (picture) =>
      stored(picture, (share) => share * 4095, { '0028,1052': ds('-1024'), '0028,1053': ds('3') }),
  },
  {
    name: 'Rescale Intercept without Slope',
    encode: (picture) =>
      stored(picture, (share) => share * 4095, { '0028,1052': ds('-1024'), ...windowOf('1024', '4096') }),
  },
  {
    name: 'signed, 12 bits, the sign not extended',
    encode: (picture) =>
      stored(picture, (share) => (share * 4095 - 2048) & 0xfff, {
        '0028,0103': us(1),
        ...windowOf('0', '4096'),
      }),
  },
  {
    name: 'Modality LUT',
    encode: (picture) =>
      stored(picture, (share) => (1 - share) ** 0.5 * 255, {
        '0028,3000': lut((share) => 1 - share ** 2, 256, 12),
        ...whole12,
      }),
  },
  {
    name: 'VOI LUT',
    encode: (picture) =>
      stored(picture, (share) => (1 - share) ** 0.5 * 511, {
        '0028,3010': lut((share) => 1 - share ** 2, 512, 16),
      }),
  },
  {
    name: 'VOI LUT Function SIGMOID',
    encode: (picture) =>
      stored(picture, (share) => 2048 + (800 / 4) * logit(share), {
        ...windowOf('2048', '800'),
        '0028,1056': cs('SIGMOID'),
      }),
  },
  {
    name: 'Presentation LUT Shape INVERSE',
    encode: (picture) => stored(picture, negative, { '2050,0020': cs('INVERSE'), ...whole12 }),
  },
  {
    name: 'High Bit 15',
    encode: (picture) =>
      stored(picture, (share) => Math.round(share * 4095) << 4, { '0028,0102': us(15), ...whole12 }),
  },
  {
    name: 'High Bit 15, values that are not shifted',
    encode: (picture) => stored(picture, (share) => share * 4095, { '0028,0102': us(15), ...whole12 }),
  },
  {
    name: 'Photometric Interpretation in lower case',
    encode: (picture) => stored(picture, negative, { '0028,0004': cs('monochrome1'), ...whole12 }),
  },
];
