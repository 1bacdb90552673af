/** Elements of a DICOM file in explicit VR little endian: tag to the bytes of its value, without any DICOM library. */
export function elementsOf(file: Buffer): Map<string, string> {
  const found = new Map<string, string>();
  read(file, 132, file.length, (tag, from, to) => found.set(tag, file.subarray(from, to).toString('base64')));
  return found;
}

const longForm = ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV'];
const undefinedLength = 0xffffffff;

/** @returns where it stopped: behind the delimiter of an item, or at the end */
function read(
  file: Buffer,
  from: number,
  end: number,
  each: (tag: string, from: number, to: number) => void,
): number {
  let at = from;
  while (at < end) {
    const tag = tagAt(file, at);
    if (tag === 'fffe,e00d') return at + 8;
    const long = longForm.includes(file.toString('latin1', at + 4, at + 6));
    const length = long ? file.readUInt32LE(at + 8) : file.readUInt16LE(at + 6);
    const start = at + (long ? 12 : 8);
    at = length === undefinedLength ? behindItems(file, start, end) : start + length;
    each(tag, start, at);
  }
  return at;
}

function behindItems(file: Buffer, from: number, end: number): number {
  let at = from;
  while (tagAt(file, at) !== 'fffe,e0dd') {
    const length = file.readUInt32LE(at + 4);
    at = length === undefinedLength ? read(file, at + 8, end, () => undefined) : at + 8 + length;
  }
  return at + 8;
}

const hex = (file: Buffer, at: number) => file.readUInt16LE(at).toString(16).padStart(4, '0');
const tagAt = (file: Buffer, at: number) => `${hex(file, at)},${hex(file, at + 2)}`;
