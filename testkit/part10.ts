/*
 * A DICOM Part 10 writer, just large enough for fixtures: Explicit VR Little Endian, no sequences but the one
 * that wraps compressed frames. Written apart from any DICOM library so that fixtures may be wrong on purpose.
 */

type Value = string | number | readonly number[] | Uint8Array;
export type Vr =
  | 'AE'
  | 'CS'
  | 'DA'
  | 'DS'
  | 'IS'
  | 'LO'
  | 'OB'
  | 'OW'
  | 'PN'
  | 'SH'
  | 'TM'
  | 'UI'
  | 'UL'
  | 'US';

export interface Element {
  /** `0028,0010` */
  tag: string;
  vr: Vr;
  value: Value;
}

export const transferSyntaxes = {
  explicitLittleEndian: '1.2.840.10008.1.2.1',
  jpegBaseline: '1.2.840.10008.1.2.4.50',
  jpegLossless: '1.2.840.10008.1.2.4.70',
  jpeg2000Lossless: '1.2.840.10008.1.2.4.90',
} as const;
export type TransferSyntax = keyof typeof transferSyntaxes;

const longForm = new Set<Vr>(['OB', 'OW']);
const undefinedLength = 0xffffffff;

/** The whole file. Elements may come in any order. */
export function writePart10(dataset: readonly Element[], transferSyntax: TransferSyntax): Buffer {
  const text = (tag: string) => String(dataset.find((element) => element.tag === tag)?.value ?? '');
  const meta = [
    writeElement({ tag: '0002,0001', vr: 'OB', value: Uint8Array.of(0, 1) }),
    writeElement({ tag: '0002,0002', vr: 'UI', value: text('0008,0016') }),
    writeElement({ tag: '0002,0003', vr: 'UI', value: text('0008,0018') }),
    writeElement({ tag: '0002,0010', vr: 'UI', value: transferSyntaxes[transferSyntax] }),
    writeElement({ tag: '0002,0012', vr: 'UI', value: '2.25.1' }),
  ];
  const metaLength = meta.reduce((sum, part) => sum + part.length, 0);
  const sorted = [...dataset].sort((a, b) => (a.tag < b.tag ? -1 : 1));
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    writeElement({ tag: '0002,0000', vr: 'UL', value: metaLength }),
    ...meta,
    ...sorted.map(writeElement),
  ]);
}

/** Pixel data as compressed transfer syntaxes carry it: an empty offset table, then one fragment a frame. */
export function writeEncapsulated(frames: readonly Uint8Array[]): Buffer {
  const item = (bytes: Uint8Array) => [itemHeader(0xe000, evenLength(bytes.length)), ...padded(bytes, 0)];
  return Buffer.concat([
    elementHeader('7fe0,0010', 'OB', undefinedLength),
    itemHeader(0xe000, 0),
    ...frames.flatMap(item),
    itemHeader(0xe0dd, 0),
  ]);
}

function writeElement({ tag, vr, value }: Element): Buffer {
  const bytes = encode(vr, value);
  const parts = padded(bytes, vr === 'UI' || longForm.has(vr) ? 0 : 0x20);
  return Buffer.concat([elementHeader(tag, vr, evenLength(bytes.length)), ...parts]);
}

function encode(vr: Vr, value: Value): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (vr !== 'US' && vr !== 'UL') {
    return Buffer.from(typeof value === 'object' ? value.join('\\') : String(value), 'latin1');
  }
  const size = vr === 'US' ? 2 : 4;
  const numbers = typeof value === 'object' ? value : [Number(value)];
  const bytes = Buffer.alloc(numbers.length * size);
  numbers.forEach((number, index) => {
    bytes.writeUIntLE(number, index * size, size);
  });
  return bytes;
}

function elementHeader(tag: string, vr: Vr, length: number): Buffer {
  const header = Buffer.alloc(longForm.has(vr) ? 12 : 8);
  header.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  header.writeUInt16LE(Number.parseInt(tag.slice(5), 16), 2);
  header.write(vr, 4, 'latin1');
  if (longForm.has(vr)) header.writeUInt32LE(length, 8);
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
