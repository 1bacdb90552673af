import dicomParser from 'dicom-parser';
import { createError } from '../errors/errors.js';
import { type DecodedFrame, decompress, type FrameShape, isCompressed } from './codecs.js';
import { bytesOf, type DicomFile } from './read.js';

/**
 * Decodes one frame.
 * @param index counted from 0
 * @throws picture_undecodable, dicom_needs_server
 */
export async function decodeFrame(
  file: DicomFile,
  shape: FrameShape,
  { index, of }: { index: number; of: number },
): Promise<DecodedFrame> {
  const { width, height, samples, bitsAllocated } = shape;
  const length = (width * height * samples * bitsAllocated) / 8;
  const decoded = isCompressed(file.transferSyntax)
    ? await decompress(fragmentsOf(file, index, of), file.transferSyntax, shape)
    : native(file, shape, index * length, length);
  // Codecs give what the compressed frame says, with a padding at most.
  if (decoded.samples.length !== length && decoded.samples.length !== length + (length % 2))
    throw createError('picture_undecodable', {
      problem: `its pixel data has ${decoded.samples.length} bytes in place of ${length}`,
    });
  return { ...decoded, samples: decoded.samples.subarray(0, length) };
}

function native(
  { dataset, pixels, isBigEndian, attributes }: DicomFile,
  { bitsAllocated, photometric }: FrameShape,
  from: number,
  length: number,
): DecodedFrame {
  if (pixels === undefined) throw createError('picture_undecodable', { problem: 'it has no pixels' });
  const samples = Buffer.from(bytesOf(dataset, pixels).subarray(from, from + length));
  // PS3.5 8.1.1: as OW, also bytes are written in words.
  if (isBigEndian && (bitsAllocated === 16 || pixels.vr === 'OW') && samples.length % 2 === 0)
    samples.swap16();
  return { samples, isPlanar: attributes.PlanarConfiguration === '1', photometric };
}

/** The compressed bytes of a frame (PS3.5 annex A.4). */
function fragmentsOf({ dataset, pixels }: DicomFile, index: number, of: number): Uint8Array {
  const { fragments = [], basicOffsetTable = [] } = pixels ?? {};
  if (pixels === undefined || fragments.length === 0)
    throw createError('picture_undecodable', { problem: 'it has no pixels' });
  const joined = (first: number, count: number) =>
    dicomParser.readEncapsulatedPixelDataFromFragments(dataset, pixels, first, count);
  try {
    if (of === 1) return joined(0, fragments.length);
    if (fragments.length === of) return joined(index, 1);
    const offsets =
      basicOffsetTable.length === of
        ? basicOffsetTable
        : dicomParser.createJPEGBasicOffsetTable(dataset, pixels);
    return dicomParser.readEncapsulatedImageFrame(dataset, pixels, index, offsets);
  } catch (error) {
    throw createError('picture_undecodable', { problem: `frame ${index} of ${of} cannot be found` }, error);
  }
}
