/*
 * A minimal writer of DICOM files (PS3.10) in Explicit VR Little Endian, for tests. It does not use a DICOM library,
 * so that fixtures can be wrong on purpose. `part10-reader.ts` reads the files.
 */

const longForms = ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV'] as const;
type ShortForm =
  | 'AE'
  | 'AS'
  | 'CS'
  | 'DA'
  | 'DS'
  | 'DT'
  | 'FD'
  | 'FL'
  | 'IS'
  | 'LO'
  | 'LT'
  | 'PN'
  | 'SH'
  | 'SL'
  | 'SS'
  | 'ST'
  | 'TM'
  | 'UI'
  | 'UL'
  | 'US';
export type Vr = ShortForm | (typeof longForms)[number];

/** Text is written in ISO 8859-1, bytes unchanged, a sequence as items. */
type Value = string | number | readonly number[] | Uint8Array | readonly Item[];
export type Item = readonly Element[];

export interface Element {
  /** `0028,0010` */
  tag: string;
  vr: Vr;
  value: Value;
  /** The value is fragments with their delimiter, so the element has an undefined length. */
  isEncapsulated?: boolean;
}

export const transferSyntaxes = {
  explicitLittleEndian: '1.2.840.10008.1.2.1',
  jpegBaseline: '1.2.840.10008.1.2.4.50',
  jpegLossless: '1.2.840.10008.1.2.4.70',
  jpeg2000Lossless: '1.2.840.10008.1.2.4.90',
} as const;
export type TransferSyntax = keyof typeof transferSyntaxes;

export const undefinedLength = 0xffffffff;
const paddedWithZero = new Set<Vr>(['UI', 'OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN']);

export const isLongForm = (vr: string): boolean => (longForms as readonly string[]).includes(vr);

/** Writes a file. Elements may be in any order. @param transferSyntax a key of `transferSyntaxes`, or a UID */
export function writePart10(dataset: readonly Element[], transferSyntax: string): Buffer {
  const text = (tag: string) => {
    const value = dataset.find((element) => element.tag === tag)?.value ?? '';
    return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value);
  };
  const uid = Object.entries(transferSyntaxes).find(([name]) => name === transferSyntax)?.[1];
  const meta = [
    writeElement({ tag: '0002,0001', vr: 'OB', value: Uint8Array.of(0, 1) }),
    writeElement({ tag: '0002,0002', vr: 'UI', value: text('0008,0016') }),
    writeElement({ tag: '0002,0003', vr: 'UI', value: text('0008,0018') }),
    writeElement({ tag: '0002,0010', vr: 'UI', value: uid ?? transferSyntax }),
    writeElement({ tag: '0002,0012', vr: 'UI', value: '2.25.1' }),
  ];
  const metaLength = meta.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    writeElement({ tag: '0002,0000', vr: 'UL', value: metaLength }),
    ...meta,
    writeElements(dataset),
  ]);
}

/** Encapsulated pixel data (PS3.5 annex A.4): an empty offset table, then one fragment per frame. */
export function encapsulated(frames: readonly Uint8Array[]): Element {
  const fragment = (bytes: Uint8Array) => [itemHeader(0xe000, evenLength(bytes.length)), ...padded(bytes, 0)];
  const value = Buffer.concat([itemHeader(0xe000, 0), ...frames.flatMap(fragment), itemHeader(0xe0dd, 0)]);
  return { tag: '7fe0,0010', vr: 'OB', value, isEncapsulated: true };
}

function writeElements(elements: readonly Element[]): Buffer {
  return Buffer.concat([...elements].sort((a, b) => (a.tag < b.tag ? -1 : 1)).map(writeElement));
}

function writeElement({ tag, vr, value, isEncapsulated = false }: Element): Buffer {
  const bytes = encode(vr, value);
  if (isEncapsulated) return Buffer.concat([elementHeader(tag, vr, undefinedLength), bytes]);
  const parts = padded(bytes, paddedWithZero.has(vr) ? 0 : 0x20);
  return Buffer.concat([elementHeader(tag, vr, evenLength(bytes.length)), ...parts]);
}

function encode(vr: Vr, value: Value): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'object' && isItems(value)) {
    const items = value.map(writeElements);
    return Buffer.concat(items.flatMap((item) => [itemHeader(0xe000, item.length), item]));
  }
  if (vr !== 'US' && vr !== 'UL')
    return Buffer.from(typeof value === 'object' ? value.join('\\') : String(value), 'latin1');
  const size = vr === 'US' ? 2 : 4;
  const numbers = typeof value === 'object' ? value : [Number(value)];
  const bytes = Buffer.alloc(numbers.length * size);
  numbers.forEach((number, index) => {
    bytes.writeUIntLE(number, index * size, size);
  });
  return bytes;
}

const isItems = (value: readonly (number | Item)[]): value is readonly Item[] =>
  value.every((each) => typeof each === 'object');

function elementHeader(tag: string, vr: Vr, length: number): Buffer {
  const header = Buffer.alloc(isLongForm(vr) ? 12 : 8);
  header.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  header.writeUInt16LE(Number.parseInt(tag.slice(5), 16), 2);
  header.write(vr, 4, 'latin1');
  if (isLongForm(vr)) header.writeUInt32LE(length, 8);
  else header.writeUInt16LE(length, 6);
  return header;
}

function itemHeader(element: number, length: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16LE(0xfffe, 0);
  header.writeUInt16LE(element, 2);
  header.writeUInt32LE(length, 4);
  return header;
}

const evenLength = (length: number): number => length + (length % 2);
const padded = (bytes: Uint8Array, pad: number): Uint8Array[] =>
  bytes.length % 2 === 0 ? [bytes] : [bytes, Uint8Array.of(pad)];
