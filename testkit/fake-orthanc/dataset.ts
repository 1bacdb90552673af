import type { Element, Item, Vr } from '../part10.js';
import { type ReadElement, readPart10 } from '../part10-reader.js';
import { attributeOf, keywordOf } from './dictionary.js';
import { OrthancError } from './orthanc-error.js';

/** Value of an element in Orthanc's JSON: text, null (binary or too long), or the items of a sequence. */
export type Json = string | null | { [name: string]: Json }[];

/** Orthanc returns null for longer text. */
const maxTextLength = 256;

const numberReaders: Partial<Record<Vr, { size: number; read: (bytes: Buffer, at: number) => number }>> = {
  US: { size: 2, read: (bytes, at) => bytes.readUInt16LE(at) },
  SS: { size: 2, read: (bytes, at) => bytes.readInt16LE(at) },
  UL: { size: 4, read: (bytes, at) => bytes.readUInt32LE(at) },
  SL: { size: 4, read: (bytes, at) => bytes.readInt32LE(at) },
  FL: { size: 4, read: (bytes, at) => bytes.readFloatLE(at) },
  FD: { size: 8, read: (bytes, at) => bytes.readDoubleLE(at) },
};
const binary = new Set<Vr>(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN']);

/** The parsed dataset of a stored file. */
export class Dataset {
  readonly file: Buffer;
  /** Without the file meta information (group 0002). Also those behind Pixel Data, which Orthanc does not show. */
  readonly elements: readonly ReadElement[];
  readonly transferSyntax: string;
  readonly #byTag: ReadonlyMap<string, ReadElement>;
  readonly #encoding: BufferEncoding;

  /** @throws OrthancError where the file is not a DICOM file */
  constructor(file: Buffer) {
    this.file = file;
    const all = parseFile(file);
    this.elements = all.filter(({ tag }) => !tag.startsWith('0002,'));
    this.#byTag = new Map(all.map((element) => [element.tag, element]));
    this.#encoding = this.#ascii('0008,0005').includes('192') ? 'utf8' : 'latin1';
    this.transferSyntax = this.#ascii('0002,0010');
  }

  element(tag: string): ReadElement | undefined {
    return this.#byTag.get(tag);
  }

  get encoding(): BufferEncoding {
    return this.#encoding;
  }

  /** Text of a top-level element, also of numbers; undefined for a missing, nested or binary one. */
  text(tag: string): string | undefined {
    const element = this.element(tag);
    const json = element && this.#json(element, keywordOf);
    return typeof json === 'string' ? json : undefined;
  }

  /** `/instances/{id}/simplified-tags`: by keyword. */
  simplified(): Record<string, Json> {
    return this.#named(this.#shown(), keywordOf);
  }

  /** `/instances/{id}/tags?short`: by tag. */
  short(): Record<string, Json> {
    return this.#named(this.#shown(), (tag) => tag);
  }

  /** `/instances/{id}/content` */
  tags(): string[] {
    return this.elements.map(({ tag }) => tag);
  }

  #shown(): readonly ReadElement[] {
    return this.elements.filter(({ tag }) => tag <= '7fe0,0010');
  }

  /** Sequences in Orthanc's full JSON format, as in the metadata MainDicomSequences. */
  sequencesInFull(tags: readonly string[]): Record<string, object> {
    return this.#full(this.elements.filter(({ tag, vr }) => vr === 'SQ' && tags.includes(tag)));
  }

  #full(elements: readonly ReadElement[]): Record<string, object> {
    return Object.fromEntries(
      elements.map((element) => {
        const { tag, value } = element;
        const Name = keywordOf(tag);
        if (!Buffer.isBuffer(value))
          return [tag, { Name, Type: 'Sequence', Value: value.map((item) => this.#full(item)) }];
        const text = this.#json(element, keywordOf);
        return [tag, { Name, Type: text === null ? 'Null' : 'String', Value: text }];
      }),
    );
  }

  /** One element as in `RequestedTags`; undefined where it is missing. */
  simplifiedOf(tag: string): Json | undefined {
    const element = this.element(tag);
    return element && this.#json(element, keywordOf);
  }

  #named(elements: readonly ReadElement[], nameOf: (tag: string) => string): Record<string, Json> {
    return Object.fromEntries(elements.map((element) => [nameOf(element.tag), this.#json(element, nameOf)]));
  }

  #json(element: ReadElement, nameOf: (tag: string) => string): Json {
    const { vr, value } = element;
    if (!Buffer.isBuffer(value)) return value.map((item) => this.#named(item, nameOf));
    if (binary.has(vr)) return null;
    const number = numberReaders[vr];
    const text =
      number === undefined
        ? value.toString(this.#encoding).replace(/\0+$/, '').trim()
        : Array.from({ length: Math.floor(value.length / number.size) }, (_, index) =>
            number.read(value, index * number.size),
          ).join('\\');
    return text.length > maxTextLength ? null : text;
  }

  #ascii(tag: string): string {
    const value = this.element(tag)?.value;
    return Buffer.isBuffer(value) ? value.toString('latin1').replace(/\0+$/, '').trim() : '';
  }
}

function parseFile(file: Buffer): ReadElement[] {
  if (file.length === 0) throw new OrthancError(400, 15, 'Bad file format', 'Received an empty DICOM file');
  try {
    return readPart10(file);
  } catch {
    const details = `Cannot parse an invalid DICOM file (size: ${file.length} bytes)`;
    throw new OrthancError(400, 15, 'Bad file format', details);
  }
}

/**
 * Makes an element from a value in a request: text, or a sequence as an array of objects by keyword.
 * @throws OrthancError for an unknown attribute
 */
export function elementFrom(name: string, value: unknown, encoding: BufferEncoding): Element {
  const attribute = attributeOf(name);
  if (attribute === undefined) throw new OrthancError(500, 27, 'Unknown DICOM tag', name);
  const { tag, vr } = attribute;
  if (Array.isArray(value)) {
    const items = value.map(
      (item: object): Item => Object.entries(item).map(([inner, each]) => elementFrom(inner, each, encoding)),
    );
    return { tag, vr: 'SQ', value: items };
  }
  if (vr === 'US' || vr === 'UL') return { tag, vr, value: String(value).split('\\').map(Number) };
  return { tag, vr: vr === 'UN' ? 'LO' : vr, value: Buffer.from(String(value), encoding) };
}
