import { createError } from '../errors/errors.js';
import { type Greyscale, greyscaleOf } from '../greyscale/attributes.js';
import { spreadOf } from '../greyscale/grey.js';
import { orthancRendering } from '../greyscale/orthanc-rendering.js';
import { isAsShown, shownGrey } from '../greyscale/shown.js';
import type { DecodedFrame, FrameShape } from './codecs.js';
import { rgbOf, throughPalette } from './colour.js';
import { decodeFrame } from './frame.js';
import { type DicomFile, type Keyword, lutData, readDicom } from './read.js';

export interface Rendered {
  width: number;
  height: number;
  channels: 1 | 3;
  pixels: Uint8Array;
}

export interface RenderOptions {
  /** Which frame of several. */
  frame: 'first' | 'middle';
  /** Called before any pixel is decoded. It throws where the picture is too large. */
  requireSize: (width: number, height: number) => void;
}

/**
 * The picture of a DICOM file, as the service has it for the network: 8 bit, windowed, MONOCHROME1 inverted, by Orthanc's
 * rules where Orthanc's rendering is what a viewer shows, else by those of DICOM.
 * @throws picture_undecodable, picture_uniform, dicom_needs_server
 */
export async function renderDicom(bytes: Buffer, { frame, requireSize }: RenderOptions): Promise<Rendered> {
  const file = readDicom(bytes);
  const shape = shapeOf(file);
  const { width, height } = shape;
  requireSize(width, height);
  const of = Math.max(integer(file, 'NumberOfFrames') ?? 1, 1);
  const index = frame === 'middle' ? Math.floor((of - 1) / 2) : 0;
  const decoded = await decodeFrame(file, shape, { index, of });
  const greyscale = greyscaleOf(file.attributes);
  if (greyscale !== undefined)
    return { width, height, channels: 1, pixels: greyPixels(file, decoded, shape, greyscale) };
  const pixels =
    shape.photometric === 'PALETTE COLOR' ? throughPalette(file, decoded, shape) : rgbOf(decoded, shape);
  isAsShown(spreadOf(pixels), undefined);
  return { width, height, channels: 3, pixels };
}

function greyPixels(
  file: DicomFile,
  { samples }: DecodedFrame,
  shape: FrameShape,
  greyscale: Greyscale,
): Uint8Array {
  const patterns = patternsOf(samples, shape, greyscale);
  if (greyscale.rendering !== 'wrong') {
    const rendering = orthancRendering(patterns, greyscale);
    if (isAsShown(spreadOf(rendering), greyscale)) return rendering;
  }
  return shownGrey(patterns, greyscale, {
    modality: lutData(file, 'ModalityLUTSequence'),
    voi: lutData(file, 'VOILUTSequence'),
  });
}

/** The values as Orthanc reads them: it leaves bits above those stored where it does not shift. */
function patternsOf(
  samples: Uint8Array,
  { bitsAllocated }: FrameShape,
  { bitsStored, shift, isSigned }: Greyscale,
): Uint16Array {
  if (bitsAllocated === 8 && isSigned) return Uint16Array.from(new Int8Array(samples));
  // A copy is aligned, which a part of the file need not be.
  const words =
    bitsAllocated === 8 ? Uint16Array.from(samples) : new Uint16Array(new Uint8Array(samples).buffer);
  const mask = 2 ** bitsStored - 1;
  return shift === 0 ? words : words.map((word) => (word >> shift) & mask);
}

/** @throws picture_undecodable, dicom_needs_server */
function shapeOf(file: DicomFile): FrameShape {
  if (file.pixels === undefined)
    throw createError('picture_undecodable', { problem: 'the DICOM file has no picture' });
  const required = (keyword: Keyword): number => {
    const value = integer(file, keyword);
    if (value === undefined)
      throw createError('picture_undecodable', { problem: `the DICOM file has no ${keyword}` });
    return value;
  };
  const bitsAllocated = required('BitsAllocated');
  const samples = integer(file, 'SamplesPerPixel') ?? 1;
  const photometric = String(file.attributes.PhotometricInterpretation ?? '').trim();
  if ((bitsAllocated !== 8 && bitsAllocated !== 16) || (samples !== 1 && samples !== 3))
    throw createError('dicom_needs_server', {
      why: `it has ${samples} samples per pixel of ${bitsAllocated} bits`,
    });
  return {
    width: required('Columns'),
    height: required('Rows'),
    samples,
    bitsAllocated,
    bitsStored: integer(file, 'BitsStored') ?? bitsAllocated,
    isSigned: integer(file, 'PixelRepresentation') === 1,
    photometric,
  };
}

/** @returns undefined where the attribute is absent or no whole number */
function integer({ attributes }: DicomFile, keyword: Keyword): number | undefined {
  const text = attributes[keyword];
  const value = Number(text);
  return typeof text === 'string' && text.trim() !== '' && Number.isSafeInteger(value) ? value : undefined;
}
