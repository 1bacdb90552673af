/** Digital Signatures Sequence (FFFA,FFFA) and MAC Parameters Sequence (4FFE,0001), in both byte orders. */
const signatureTags = ['fafffaff', 'fffafffa', 'fe4f0100', '4ffe0001'].map((hex) => Buffer.from(hex, 'hex'));

const littleEndianPixelData = 0xe07f1000;
const bigEndianPixelData = 0x7fe00010;
const item = 0xfeff00e0;
const sequenceDelimiter = 0xfeffdde0;
const undefinedLength = 0xffffffff;

/**
 * Whether a DICOM file can have a digital signature, at any depth (PS3.15 annex C). The bytes of a signature's tag
 * count wherever they are, but not in the Pixel Data: so a signature in a sequence item, behind the pixels, or in a
 * value of unknown VR is never missed. A file whose private binary value has these bytes by chance counts as signed.
 * @param pixelsFrom offset of the element Pixel Data, bytes
 * @returns `unknown` where Pixel Data is not found there, or does not end within the file
 */
export function signatureIn(file: Buffer, pixelsFrom: number): 'none' | 'present' | 'unknown' {
  const pixelsTo = endOfPixels(file, pixelsFrom);
  if (pixelsTo === undefined) return 'unknown';
  const others = [file.subarray(0, pixelsFrom), file.subarray(pixelsTo)];
  return others.some((bytes) => signatureTags.some((tag) => bytes.includes(tag))) ? 'present' : 'none';
}

function endOfPixels(file: Buffer, at: number): number | undefined {
  if (at + 12 > file.length) return undefined;
  const tag = file.readUInt32BE(at);
  if (tag !== littleEndianPixelData && tag !== bigEndianPixelData) return undefined;
  // An implicit VR has the length here. Its first byte is even, and that of each VR of pixels is odd.
  const isExplicit = /^(OB|OW|UN)$/.test(file.toString('latin1', at + 4, at + 6));
  const start = at + (isExplicit ? 12 : 8);
  const length = tag === bigEndianPixelData ? file.readUInt32BE(start - 4) : file.readUInt32LE(start - 4);
  const end = length === undefinedLength ? endOfFragments(file, start) : start + length;
  return end === undefined || end > file.length ? undefined : end;
}

/** PS3.5 annex A.4: only Little Endian, each fragment with its length. */
function endOfFragments(file: Buffer, from: number): number | undefined {
  for (let at = from; at + 8 <= file.length; at += 8 + file.readUInt32LE(at + 4)) {
    const tag = file.readUInt32BE(at);
    if (tag === sequenceDelimiter) return at + 8;
    if (tag !== item) return undefined;
  }
  return undefined;
}
