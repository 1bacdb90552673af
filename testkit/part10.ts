import { deflateRawSync } from 'node:zlib';

/*
 * A minimal writer of DICOM files (PS3.10), for tests. It does not use a DICOM library, so that fixtures can be wrong
 * on purpose. `part10-reader.ts` reads the files in Explicit VR Little Endian.
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
  implicitLittleEndian: '1.2.840.10008.1.2',
  explicitBigEndian: '1.2.840.10008.1.2.2',
  deflated: '1.2.840.10008.1.2.1.99',
  jpegBaseline: '1.2.840.10008.1.2.4.50',
  jpegLossless: '1.2.840.10008.1.2.4.70',
  jpeg2000Lossless: '1.2.840.10008.1.2.4.90',
} as const;
export type TransferSyntax = keyof typeof transferSyntaxes;

export const undefinedLength = 0xffffffff;
const paddedWithZero = new Set<Vr>(['UI', 'OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN']);

export const isLongForm = (vr: string): boolean => (longForms as readonly string[]).includes(vr);

/** How the elements of a dataset are written. */
interface Encoding {
  isImplicit: boolean;
  isBigEndian: boolean;
  /** Whether sequences and their items end with delimiters. */
  areOpen: boolean;
}
const plain: Encoding = { isImplicit: false, isBigEndian: false, areOpen: false };

/**
 * Writes a file. Elements may be in any order.
 * @param transferSyntax a key of `transferSyntaxes`, or a UID
 */
export function writePart10(
  dataset: readonly Element[],
  transferSyntax: string,
  { areOpen = false }: { areOpen?: boolean } = {},
): Buffer {
  const text = (tag: string) => {
    const value = dataset.find((element) => element.tag === tag)?.value ?? '';
    return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value);
  };
  const uid =
    Object.entries(transferSyntaxes).find(([name]) => name === transferSyntax)?.[1] ?? transferSyntax;
  const metaElements: Element[] = [
    { tag: '0002,0001', vr: 'OB', value: Uint8Array.of(0, 1) },
    { tag: '0002,0002', vr: 'UI', value: text('0008,0016') },
    { tag: '0002,0003', vr: 'UI', value: text('0008,0018') },
    { tag: '0002,0010', vr: 'UI', value: uid },
    { tag: '0002,0012', vr: 'UI', value: '2.25.1' },
  ];
  const meta = writeElements(metaElements, plain);
  const encoding = {
    isImplicit: uid === transferSyntaxes.implicitLittleEndian,
    isBigEndian: uid === transferSyntaxes.explicitBigEndian,
    areOpen,
  };
  const body = writeElements(dataset, encoding);
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    writeElement({ tag: '0002,0000', vr: 'UL', value: meta.length }, plain),
    meta,
    uid === transferSyntaxes.deflated ? deflateRawSync(body) : body,
  ]);
}

/** Encapsulated pixel data (PS3.5 annex A.4): an empty offset table, then one fragment per frame. */
export function encapsulated(frames: readonly Uint8Array[]): Element {
  const fragment = (bytes: Uint8Array) => [
    tagAndLength('fffe,e000', evenLength(bytes.length), plain),
    ...padded(bytes, 0),
  ];
  const value = Buffer.concat([
    tagAndLength('fffe,e000', 0, plain),
    ...frames.flatMap(fragment),
    tagAndLength('fffe,e0dd', 0, plain),
  ]);
  return { tag: '7fe0,0010', vr: 'OB', value, isEncapsulated: true };
}

function writeElements(elements: readonly Element[], encoding: Encoding): Buffer {
  return Buffer.concat(
    [...elements].sort((a, b) => (a.tag < b.tag ? -1 : 1)).map((each) => writeElement(each, encoding)),
  );
}

function writeElement({ tag, vr, value, isEncapsulated = false }: Element, encoding: Encoding): Buffer {
  const bytes = encode(vr, value, encoding);
  const isOpen = isEncapsulated || (encoding.areOpen && vr === 'SQ');
  if (isOpen) return Buffer.concat([elementHeader(tag, vr, undefinedLength, encoding), bytes]);
  const parts = padded(bytes, paddedWithZero.has(vr) ? 0 : 0x20);
  return Buffer.concat([elementHeader(tag, vr, evenLength(bytes.length), encoding), ...parts]);
}

function encode(vr: Vr, value: Value, encoding: Encoding): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'object' && isItems(value)) return writeItems(value, encoding);
  if (vr !== 'US' && vr !== 'UL')
    return Buffer.from(typeof value === 'object' ? value.join('\\') : String(value), 'latin1');
  const size = vr === 'US' ? 2 : 4;
  const numbers = typeof value === 'object' ? value : [Number(value)];
  return Buffer.concat(numbers.map((number) => integer(number, size, encoding)));
}

function writeItems(items: readonly Item[], encoding: Encoding): Buffer {
  const { areOpen } = encoding;
  const delimiter = (tag: string) => (areOpen ? [tagAndLength(tag, 0, encoding)] : []);
  const parts = items.flatMap((elements) => {
    const item = writeElements(elements, encoding);
    const header = tagAndLength('fffe,e000', areOpen ? undefinedLength : item.length, encoding);
    return [header, item, ...delimiter('fffe,e00d')];
  });
  return Buffer.concat([...parts, ...delimiter('fffe,e0dd')]);
}

const isItems = (value: readonly (number | Item)[]): value is readonly Item[] =>
  value.every((each) => typeof each === 'object');

function elementHeader(tag: string, vr: Vr, length: number, encoding: Encoding): Buffer {
  if (encoding.isImplicit) return tagAndLength(tag, length, encoding);
  const isLong = isLongForm(vr);
  return Buffer.concat([
    tagBytes(tag, encoding),
    Buffer.from(isLong ? `${vr}\0\0` : vr, 'latin1'),
    integer(length, isLong ? 4 : 2, encoding),
  ]);
}

const tagAndLength = (tag: string, length: number, encoding: Encoding): Buffer =>
  Buffer.concat([tagBytes(tag, encoding), integer(length, 4, encoding)]);

const tagBytes = (tag: string, encoding: Encoding): Buffer =>
  Buffer.concat(
    [tag.slice(0, 4), tag.slice(5)].map((half) => integer(Number.parseInt(half, 16), 2, encoding)),
  );

function integer(value: number, size: number, { isBigEndian }: Encoding): Buffer {
  const bytes = Buffer.alloc(size);
  if (isBigEndian) bytes.writeUIntBE(value, 0, size);
  else bytes.writeUIntLE(value, 0, size);
  return bytes;
}

const evenLength = (length: number): number => length + (length % 2);
const padded = (bytes: Uint8Array, pad: number): Uint8Array[] =>
  bytes.length % 2 === 0 ? [bytes] : [bytes, Uint8Array.of(pad)];
