import { type Element, isLongForm, undefinedLength, type Vr } from './part10.js';

/** An element of a file. Its value is a view of the file's bytes. */
export interface ReadElement extends Element {
  value: Buffer | ReadElement[][];
  /** Offset of the element in the file, bytes. */
  at: number;
}

const preambleLength = 132;

/**
 * Reads all elements of a DICOM file in Explicit VR Little Endian, the file meta information (group 0002) first.
 * @throws where the file is something else
 */
export function readPart10(file: Buffer): ReadElement[] {
  if (file.toString('latin1', preambleLength - 4, preambleLength) !== 'DICM')
    throw new Error('no DICOM file');
  return readElements(file, preambleLength, file.length).elements;
}

/** Tag → value as text, to compare files. It ignores the offsets of elements. */
export const elementsOf = (file: Buffer): Map<string, string> => {
  const textOf = (value: ReadElement['value']) =>
    JSON.stringify(value, (key, each: unknown) => (key === 'at' ? undefined : each));
  return new Map(readPart10(file).map(({ tag, value }) => [tag, textOf(value)]));
};

/** @returns `end`: offset after the item delimiter, or `to` */
function readElements(file: Buffer, from: number, to: number): { elements: ReadElement[]; end: number } {
  const elements: ReadElement[] = [];
  let at = from;
  while (at < to) {
    const tag = tagAt(file, at);
    if (tag === 'fffe,e00d') return { elements, end: at + 8 };
    const vr = file.toString('latin1', at + 4, at + 6) as Vr;
    const length = isLongForm(vr) ? file.readUInt32LE(at + 8) : file.readUInt16LE(at + 6);
    const start = at + (isLongForm(vr) ? 12 : 8);
    const isOpen = length === undefinedLength;
    if (vr === 'SQ' || isOpen) {
      const { items, end } = readItems(file, start, isOpen ? to : start + length, vr === 'SQ');
      elements.push(
        vr === 'SQ'
          ? { tag, vr, value: items, at }
          : { tag, vr, value: file.subarray(start, end), at, isEncapsulated: true },
      );
      at = end;
    } else {
      elements.push({ tag, vr, value: file.subarray(start, start + length), at });
      at = start + length;
    }
  }
  return { elements, end: at };
}

/** @param areDatasets false for the fragments of compressed pixel data */
function readItems(
  file: Buffer,
  from: number,
  to: number,
  areDatasets: boolean,
): { items: ReadElement[][]; end: number } {
  const items: ReadElement[][] = [];
  let at = from;
  while (at < to) {
    if (tagAt(file, at) === 'fffe,e0dd') return { items, end: at + 8 };
    const length = file.readUInt32LE(at + 4);
    const end = length === undefinedLength ? to : at + 8 + length;
    const item = areDatasets ? readElements(file, at + 8, end) : { elements: [], end };
    items.push(item.elements);
    at = item.end;
  }
  return { items, end: at };
}

const hex = (file: Buffer, at: number) => file.readUInt16LE(at).toString(16).padStart(4, '0');
const tagAt = (file: Buffer, at: number) => `${hex(file, at)},${hex(file, at + 2)}`;
