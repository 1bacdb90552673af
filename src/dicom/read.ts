import { inflateRawSync } from 'node:zlib';
import dicomParser, { type DataSet, type Element } from 'dicom-parser';
import { createError } from '../errors/errors.js';

/** A deflated file that is longer than this when inflated is refused. */
const maxInflatedBytes = 2 ** 29;

/** Attributes that decide what a picture is and how it is shown. */
const integers = {
  SamplesPerPixel: 'x00280002',
  PlanarConfiguration: 'x00280006',
  Rows: 'x00280010',
  Columns: 'x00280011',
  BitsAllocated: 'x00280100',
  BitsStored: 'x00280101',
  HighBit: 'x00280102',
  PixelRepresentation: 'x00280103',
  PixelPaddingValue: 'x00280120',
  PixelPaddingRangeLimit: 'x00280121',
} as const;
const texts = {
  SOPClassUID: 'x00080016',
  Modality: 'x00080060',
  PhotometricInterpretation: 'x00280004',
  NumberOfFrames: 'x00280008',
  WindowCenter: 'x00281050',
  WindowWidth: 'x00281051',
  RescaleIntercept: 'x00281052',
  RescaleSlope: 'x00281053',
  VOILUTFunction: 'x00281056',
  PresentationLUTShape: 'x20500020',
} as const;
const lutSequences = { ModalityLUTSequence: 'x00283000', VOILUTSequence: 'x00283010' } as const;
const pixelData = 'x7fe00010';
const transferSyntaxUid = 'x00020010';

export type Keyword = keyof typeof integers | keyof typeof texts | keyof typeof lutSequences;

/** A DICOM file whose pixels are not decoded yet. */
export interface DicomFile {
  transferSyntax: string;
  /** By keyword, in the form of Orthanc's `simplified-tags`. Only those that concern the picture. */
  attributes: Partial<Record<Keyword, unknown>>;
  isBigEndian: boolean;
  dataset: DataSet;
  /** Undefined where the file has no picture. */
  pixels: Element | undefined;
}

/** Whether a file has the prefix of DICOM files (PS3.10 section 7.1). @param start its first 132 bytes, or more */
export const isDicom = (start: Buffer): boolean => start.toString('latin1', 128, 132) === 'DICM';

/** @throws picture_undecodable */
export function readDicom(file: Buffer): DicomFile {
  let dataset: DataSet;
  try {
    dataset = dicomParser.parseDicom(file, { inflater: inflate });
  } catch (error) {
    // The parser throws texts; its errors hold what it has read so far.
    const problem =
      error instanceof Error ? error.message : String((error as { exception?: unknown }).exception ?? error);
    throw createError('picture_undecodable', { problem: `the DICOM file is damaged (${problem})` }, error);
  }
  const attributes: DicomFile['attributes'] = {};
  for (const [keyword, tag] of entriesOf(integers)) {
    const value = dataset.uint16(tag);
    if (value !== undefined) attributes[keyword] = String(value);
  }
  for (const [keyword, tag] of entriesOf(texts)) {
    const value = dataset.string(tag);
    if (value !== undefined) attributes[keyword] = value;
  }
  for (const [keyword, tag] of entriesOf(lutSequences)) {
    const item = dataset.elements[tag]?.items?.[0]?.dataSet;
    if (item !== undefined)
      attributes[keyword] = [{ LUTDescriptor: [0, 1, 2].map((i) => item.uint16('x00283002', i)).join('\\') }];
  }
  const transferSyntax = dataset.string(transferSyntaxUid) ?? '';
  return {
    transferSyntax,
    attributes,
    isBigEndian: transferSyntax === '1.2.840.10008.1.2.2',
    dataset,
    pixels: dataset.elements[pixelData],
  };
}

/** What a DICOM file is, as far as its beginning tells. */
export interface DicomKind {
  sopClassUid: string | undefined;
  modality: string | undefined;
  hasPixels: boolean;
  frames: number;
}

/** Enough of a file for its attributes before the pixels, mostly. */
export const headBytes = 2 ** 18;

/** @param head the beginning of a DICOM file @returns undefined where that tells nothing */
export function kindOf(head: Buffer): DicomKind | undefined {
  let dataset: DataSet;
  let isWhole = true;
  try {
    dataset = dicomParser.parseDicom(head, { untilTag: pixelData, inflater: inflate });
  } catch (error) {
    // What was read before the head ended.
    const { dataSet } = error as { dataSet?: DataSet };
    if (dataSet === undefined) return undefined;
    dataset = dataSet;
    isWhole = head.length < headBytes;
  }
  const frames = Number(dataset.string(texts.NumberOfFrames) ?? 1);
  return {
    sopClassUid: dataset.string(texts.SOPClassUID),
    modality: dataset.string(texts.Modality),
    hasPixels: !isWhole || dataset.elements[pixelData] !== undefined,
    frames: Number.isSafeInteger(frames) ? frames : 1,
  };
}

/** LUT Data (0028,3006) in the first item of a sequence; 16-bit entries in little endian. */
export function lutData(
  { dataset, isBigEndian }: DicomFile,
  keyword: keyof typeof lutSequences,
): Buffer | undefined {
  const item = dataset.elements[lutSequences[keyword]]?.items?.[0]?.dataSet;
  const element = item?.elements.x00283006;
  if (item === undefined || element === undefined) return undefined;
  const data = Buffer.from(bytesOf(item, element));
  return isBigEndian && element.vr !== 'OB' ? data.swap16() : data;
}

/** Red, green and blue as 8-bit levels, from the index `first` on. @returns undefined where one of them is missing */
export function paletteOf({
  dataset,
  isBigEndian,
}: DicomFile): { first: number; levels: Uint8Array }[] | undefined {
  const palettes = ['1', '2', '3'].flatMap((colour) => {
    const data = dataset.elements[`x0028120${colour}`];
    const [entries, first = 0, bits] = [0, 1, 2].map((i) => dataset.uint16(`x0028110${colour}`, i));
    if (data === undefined || entries === undefined) return [];
    const bytes = Buffer.from(bytesOf(dataset, data));
    if (bits === 8) return [{ first, levels: bytes }];
    // The high byte of each.
    return [{ first, levels: bytes.filter((_, i) => i % 2 === (isBigEndian ? 0 : 1)) }];
  });
  return palettes.length === 3 ? palettes : undefined;
}

/** A view of an element's value. */
export const bytesOf = ({ byteArray }: DataSet, { dataOffset, length }: Element): Uint8Array =>
  byteArray.subarray(dataOffset, dataOffset + length);

function inflate(file: Uint8Array, position: number): Uint8Array {
  const inflated = inflateRawSync(file.subarray(position), { maxOutputLength: maxInflatedBytes });
  return Buffer.concat([file.subarray(0, position), inflated]);
}

const entriesOf = <K extends string>(tags: Record<K, string>) => Object.entries(tags) as [K, string][];
