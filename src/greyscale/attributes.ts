import { z } from 'zod';

/** All values of an attribute; NaN for one that is no number. */
const numbers = z
  .union([z.string(), z.number()])
  .transform(String)
  .transform((text) => (text.trim() === '' ? [] : text.split('\\')))
  .transform((values) => values.map((value) => (value.trim() === '' ? Number.NaN : Number(value))))
  .catch([]);
const texts = z
  .string()
  .transform((text) => text.split('\\').map((value) => value.trim().toUpperCase()))
  .catch([]);
const lutSequence = z
  .array(z.object({ LUTDescriptor: numbers }))
  .transform((items) => items[0]?.LUTDescriptor)
  .optional()
  .catch(undefined);

const greyscaleTags = z.object({
  SamplesPerPixel: numbers,
  PhotometricInterpretation: z.string().optional().catch(undefined),
  BitsAllocated: numbers,
  BitsStored: numbers,
  HighBit: numbers,
  PixelRepresentation: numbers,
  PixelPaddingValue: numbers,
  PixelPaddingRangeLimit: numbers,
  ModalityLUTSequence: lutSequence,
  RescaleIntercept: numbers,
  RescaleSlope: numbers,
  VOILUTSequence: lutSequence,
  WindowCenter: numbers,
  WindowWidth: numbers,
  VOILUTFunction: texts,
  PresentationLUTShape: texts,
});

/** LUT Descriptor (PS3.3 C.11.1.1). */
export interface LutDescriptor {
  entries: number;
  /** The stored or modality value of the first entry, as written: of signed values it can be 65536 too high. */
  first: number;
}

export interface VoiWindow {
  center: number;
  width: number;
  shape: 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID';
}

/** How the stored values of a grey picture become what a viewer shows (PS3.3 C.7.6.3, C.7.5.1.1.2, C.11.1, C.11.2, C.11.6). */
export interface Greyscale {
  bitsStored: number;
  /** By how many bits the values are shifted, as High Bit says. */
  shift: number;
  isSigned: boolean;
  /** Pixel Padding Value, and Pixel Padding Range Limit or the same value again; as written. */
  padding: readonly [number, number] | undefined;
  modalityLut: LutDescriptor | undefined;
  slope: number;
  intercept: number;
  voiLut: LutDescriptor | undefined;
  /** The first one that is possible. */
  window: VoiWindow | undefined;
  /** Whether the lowest value is white. */
  isInverse: boolean;
  /**
   * - `right`: Orthanc's rendering is what a viewer shows, as far as the attributes tell.
   * - `perhaps dark`: there is no window. Orthanc maps all values that the bits allow, and viewers those that occur.
   * - `wrong`: Orthanc's rendering ignores what these attributes say, or there is none.
   */
  rendering: 'right' | 'perhaps dark' | 'wrong';
}

/** @returns undefined for colour, and for what has no such attributes */
export function greyscaleOf(attributes: object): Greyscale | undefined {
  const tags = greyscaleTags.parse(attributes);
  const [samples = 1] = tags.SamplesPerPixel;
  const { PhotometricInterpretation: photometric } = tags;
  const [allocated = 0] = tags.BitsAllocated;
  const isColour = samples !== 1 || photometric === undefined || /palette|rgb|ybr/i.test(photometric);
  if (isColour || (allocated !== 8 && allocated !== 16)) return undefined;
  const [bitsStored = allocated] = tags.BitsStored;
  const [highBit = bitsStored - 1] = tags.HighBit;
  if (!(bitsStored >= 1 && bitsStored <= allocated && highBit < allocated && highBit >= bitsStored - 1))
    return undefined;

  const [slope = 1] = tags.RescaleSlope;
  const [intercept = 0] = tags.RescaleIntercept;
  const [paddingFrom] = tags.PixelPaddingValue;
  const [paddingTo = paddingFrom] = tags.PixelPaddingRangeLimit;
  const isPadded = Number.isFinite(paddingFrom) && Number.isFinite(paddingTo);
  const padding = isPadded ? ([paddingFrom ?? 0, paddingTo ?? 0] as const) : undefined;
  const windows = windowsOf(tags);
  const grey = {
    bitsStored,
    shift: highBit + 1 - bitsStored,
    isSigned: tags.PixelRepresentation[0] === 1,
    padding,
    modalityLut: lutOf(tags.ModalityLUTSequence),
    slope: Number.isFinite(slope) && slope !== 0 ? slope : 1,
    intercept: Number.isFinite(intercept) ? intercept : 0,
    voiLut: lutOf(tags.VOILUTSequence),
    window: windows.find(isPossible),
    isInverse: /monochrome1/i.test(photometric) || tags.PresentationLUTShape[0] === 'INVERSE',
  };
  const isRescaled = grey.slope !== 1 || grey.intercept !== 0;
  const isWrong =
    grey.shift !== 0 ||
    !['MONOCHROME1', 'MONOCHROME2'].includes(photometric) ||
    (photometric === 'MONOCHROME2' && grey.isInverse) ||
    // Orthanc does not extend the sign of fewer bits.
    (grey.isSigned && bitsStored < allocated) ||
    grey.modalityLut !== undefined ||
    !(slope > 0) ||
    // Orthanc takes neither of them where one is missing, and no account of them where there is no window.
    (isRescaled && (tags.RescaleSlope.length === 0 || tags.RescaleIntercept.length === 0)) ||
    (isRescaled && grey.window === undefined) ||
    (windows[0] !== undefined && (!isPossible(windows[0]) || windows[0].shape !== 'LINEAR')) ||
    (grey.window === undefined &&
      (grey.voiLut !== undefined || grey.isSigned || isPadded || bitsStored > 12));
  const isUnsure = grey.window === undefined && bitsStored > 8;
  return { ...grey, rendering: isWrong ? 'wrong' : isUnsure ? 'perhaps dark' : 'right' };
}

/** Several windows are alternatives. */
function windowsOf({
  WindowCenter,
  WindowWidth,
  VOILUTFunction,
}: z.output<typeof greyscaleTags>): VoiWindow[] {
  const [name] = VOILUTFunction;
  const shape = name === 'SIGMOID' || name === 'LINEAR_EXACT' ? name : 'LINEAR';
  return WindowCenter.map((center, i) => ({ center, width: WindowWidth[i] ?? Number.NaN, shape }));
}

/** PS3.3 C.11.2.1.2: at least 1 where the function is LINEAR, else more than 0. */
const isPossible = ({ center, width, shape }: VoiWindow): boolean =>
  Number.isFinite(center) && Number.isFinite(width) && (shape === 'LINEAR' ? width >= 1 : width > 0);

function lutOf(descriptor: number[] | undefined): LutDescriptor | undefined {
  const [entries = Number.NaN, first = Number.NaN] = descriptor ?? [];
  // 0 stands for 65536.
  return Number.isFinite(entries) && Number.isFinite(first)
    ? { entries: entries || 65_536, first }
    : undefined;
}
