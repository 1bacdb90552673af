import { createError } from '../../errors/errors.js';
import { type Attributes, dictionary, type Keyword } from './attributes.js';

const explicitLittleEndian = '1.2.840.10008.1.2.1';
const unicode = 'ISO_IR 192';

/**
 * Writes a DICOM file (PS3.10) in Explicit VR Little Endian. Orthanc's `/tools/create-dicom` would convert the text, and
 * loses that of character sets with code extensions. Here bytes stay as they are. Text of ours that the character set of
 * the file may lack is in an item with its own character set (PS3.3 section C.12.1.1.2).
 * @param implementationUid of this writer
 */
export function writeFile(dataset: Attributes, implementationUid: string): Buffer {
  const { SOPClassUID = '', SOPInstanceUID = '', SpecificCharacterSet = '' } = dataset;
  const meta = Buffer.concat([
    element('0002,0001', 'OB', Buffer.of(0, 1)),
    element('0002,0002', 'UI', Buffer.from(String(SOPClassUID))),
    element('0002,0003', 'UI', Buffer.from(String(SOPInstanceUID))),
    element('0002,0010', 'UI', Buffer.from(explicitLittleEndian)),
    element('0002,0012', 'UI', Buffer.from(implementationUid)),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.length);
  const characterSet =
    SpecificCharacterSet instanceof Uint8Array ? Buffer.from(SpecificCharacterSet).toString('latin1') : '';
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    element('0002,0000', 'UL', length),
    meta,
    elements(dataset, characterSet.trim()),
  ]);
}

/** Padded to an even length (PS3.5 section 6.2). */
export function padded(keyword: Keyword, value: Uint8Array): Buffer {
  const [, vr] = dictionary[keyword];
  return pad(vr, value);
}

/** @param characterSet that of the item around them */
function elements(attributes: Attributes, characterSet: string): Buffer {
  const values = Object.entries(attributes) as [Keyword, string | Uint8Array | readonly Attributes[]][];
  const isForeign = values.some(
    ([, value]) => typeof value === 'string' && encoded(value, characterSet) === undefined,
  );
  const own = isForeign ? unicode : characterSet;
  const all = values.map(([keyword, value]): [string, Buffer] => {
    const [tag, vr] = dictionary[keyword];
    return [tag, element(tag, vr, bytesOf(value, own))];
  });
  if (isForeign) all.push(['0008,0005', element('0008,0005', 'CS', Buffer.from(unicode))]);
  return Buffer.concat(all.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, bytes]) => bytes));
}

function bytesOf(value: string | Uint8Array | readonly Attributes[], characterSet: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return encoded(value, characterSet) ?? Buffer.from(value);
  return Buffer.concat(
    value.flatMap((item) => {
      const content = elements(item, characterSet);
      return [itemHeader(content.length), content];
    }),
  );
}

/** @returns undefined where this is not known to be text in the character set */
function encoded(text: string, characterSet: string): Buffer | undefined {
  if (characterSet === unicode) return Buffer.from(text);
  if (/^[\x20-\x7e\r\n\t]*$/.test(text)) return Buffer.from(text);
  if (characterSet === 'ISO_IR 100' && /^[\x20-\x7e\xa0-\xff]*$/.test(text))
    return Buffer.from(text, 'latin1');
  return undefined;
}

const longForms = ['OB', 'SQ', 'UT'];

function element(tag: string, vr: string, value: Uint8Array): Buffer {
  const bytes = pad(vr, value);
  const isLong = longForms.includes(vr);
  if (!isLong && bytes.length > 0xffff)
    throw createError('report_not_kept', { why: `the picture has a value at (${tag}) that is too long` });
  const header = Buffer.alloc(isLong ? 12 : 8);
  header.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  header.writeUInt16LE(Number.parseInt(tag.slice(5), 16), 2);
  header.write(vr, 4, 'latin1');
  if (isLong) header.writeUInt32LE(bytes.length, 8);
  else header.writeUInt16LE(bytes.length, 6);
  return Buffer.concat([header, bytes]);
}

const pad = (vr: string, value: Uint8Array): Buffer =>
  Buffer.concat([value, Buffer.alloc(value.length % 2, vr === 'UI' || vr === 'OB' ? 0 : ' ')]);

function itemHeader(length: number): Buffer {
  const header = Buffer.from('feff00e000000000', 'hex');
  header.writeUInt32LE(length, 4);
  return header;
}
