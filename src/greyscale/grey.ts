import type { Greyscale, LutDescriptor, VoiWindow } from './attributes.js';

/** LUT Data by sequence; absent where the file has none. */
export interface Luts {
  modality?: Buffer | undefined;
  voi?: Buffer | undefined;
}

/** The share of the values at each end that a computed window leaves out. */
const outliers = 0.001;

interface Count {
  /** After the modality transformation. */
  value: number;
  count: number;
}

/**
 * 8-bit grey of stored values, as PS3.3 and PS3.4 N.2 describe it: modality transformation, VOI transformation, polarity.
 * Padding is black. Every 16-bit pattern is transformed once.
 * @param patterns decoded by Orthanc; signed ones in two's complement
 * @param window in place of the file's own; `computed`: of all values but padding and outliers
 */
export function greyOf(
  patterns: Uint16Array,
  greyscale: Greyscale,
  luts: Luts,
  window?: VoiWindow | 'computed',
): Uint8Array {
  const counts = new Uint32Array(65_536);
  for (const pattern of patterns) counts[pattern] = (counts[pattern] ?? 0) + 1;
  const stored = storedValue(greyscale, counts);
  const isPadding = paddingTest(greyscale, stored);
  const modality = modalityOf(greyscale, luts);
  const occurring: Count[] = [];
  counts.forEach((count, pattern) => {
    if (count > 0 && !isPadding(pattern)) occurring.push({ value: modality(stored(pattern)), count });
  });
  const voi = voiOf(greyscale, luts, window) ?? linearBetween(rangeOf(occurring));
  const table = new Uint8Array(65_536);
  counts.forEach((count, pattern) => {
    if (count === 0 || isPadding(pattern)) return;
    const share = Math.min(Math.max(voi(modality(stored(pattern))), 0), 1);
    table[pattern] = Math.round((greyscale.isInverse ? 1 - share : share) * 255);
  });
  const grey = new Uint8Array(patterns.length);
  for (let i = 0; i < patterns.length; i++) grey[i] = table[patterns[i] ?? 0] ?? 0;
  return grey;
}

/** PS3.5 8.1.1: bits above those stored mean nothing; the highest stored one is the sign. */
function storedValue({ bitsStored, isSigned, shift }: Greyscale, counts: Uint32Array) {
  const range = 2 ** bitsStored;
  // Some files name a High Bit by which Orthanc shifts values that are not shifted. They lose their lowest bits.
  const isShiftedTwice = shift > 0 && counts.findLastIndex((count) => count > 0) < range >> shift;
  return (pattern: number): number => {
    const value = (isShiftedTwice ? pattern << shift : pattern) & (range - 1);
    return isSigned && value >= range / 2 ? value - range : value;
  };
}

function paddingTest({ padding }: Greyscale, stored: (pattern: number) => number) {
  if (padding === undefined) return () => false;
  const [a, b] = padding.map((value) => stored(value & 0xffff));
  const [low, high] = [Math.min(a ?? 0, b ?? 0), Math.max(a ?? 0, b ?? 0)];
  return (pattern: number): boolean => stored(pattern) >= low && stored(pattern) <= high;
}

/** PS3.3 C.11.1 */
function modalityOf({ modalityLut, slope, intercept, isSigned }: Greyscale, { modality }: Luts) {
  if (modalityLut === undefined || modality === undefined)
    return (value: number): number => value * slope + intercept;
  const first = isSigned && modalityLut.first > 32_767 ? modalityLut.first - 65_536 : modalityLut.first;
  return lookup({ ...modalityLut, first }, modality);
}

/** PS3.3 C.11.2. @returns undefined where the file says nothing, or what is wanted is computed */
function voiOf(
  { window: own, voiLut, modalityLut, intercept, isSigned }: Greyscale,
  { voi }: Luts,
  wanted: VoiWindow | 'computed' | undefined,
): ((value: number) => number) | undefined {
  if (wanted === 'computed') return undefined;
  const window = wanted ?? own;
  if (window !== undefined) return windowFunction(window);
  if (voiLut === undefined || voi === undefined) return undefined;
  const canBeNegative = modalityLut === undefined && (isSigned || intercept < 0);
  const first = canBeNegative && voiLut.first > 32_767 ? voiLut.first - 65_536 : voiLut.first;
  const entry = lookup({ ...voiLut, first }, voi);
  let highest = 0;
  for (let i = 0; i < voiLut.entries; i++) highest = Math.max(highest, entry(first + i));
  // The third value of the descriptor, the bits of an entry, is often wrong. The highest entry tells them.
  const white = 2 ** Math.max(8, Math.ceil(Math.log2(highest + 1))) - 1;
  return (value) => entry(Math.round(value)) / white;
}

/** PS3.3 C.11.2.1.2 and C.11.2.1.3 */
function windowFunction({ center, width, shape }: VoiWindow) {
  if (shape === 'SIGMOID') return (value: number) => 1 / (1 + Math.exp((-4 * (value - center)) / width));
  return shape === 'LINEAR_EXACT'
    ? linearBetween([center - width / 2, center + width / 2])
    : linearBetween([center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2]);
}

const linearBetween = ([low, high]: readonly [number, number]) =>
  low === high ? (value: number) => (value > low ? 1 : 0) : (value: number) => (value - low) / (high - low);

/** PS3.3 C.11.1.1: values below the first entry have its value, those above the last entry that one's. */
function lookup({ entries, first }: LutDescriptor, data: Buffer): (value: number) => number {
  const isWide = data.length >= 2 * entries;
  const last = Math.min(entries, isWide ? data.length >> 1 : data.length) - 1;
  return (value) => {
    const at = Math.min(Math.max(Math.round(value) - first, 0), last);
    return isWide ? data.readUInt16LE(2 * at) : (data[at] ?? 0);
  };
}

/** The values between which all but the outliers lie; all of them where those are equal. */
function rangeOf(occurring: Count[]): [number, number] {
  const sorted = occurring.sort((a, b) => a.value - b.value);
  const [low, high] = [valueAt(sorted, outliers), valueAt(sorted, 1 - outliers)];
  return low < high ? [low, high] : [sorted[0]?.value ?? 0, sorted.at(-1)?.value ?? 0];
}

/** The value under which this share of all lies. */
function valueAt(sorted: readonly Count[], share: number): number {
  let left = share * sorted.reduce((sum, { count }) => sum + count, 0);
  for (const { value, count } of sorted) {
    left -= count;
    if (left <= 0) return value;
  }
  return sorted.at(-1)?.value ?? 0;
}

/** Every picture is looked at, so of a large one only so many pixels. */
const looked = 65_536;

/** How far apart the grey values are without the lowest and highest hundredth; and whether all are the same. */
export interface Spread {
  readonly spread: number;
  readonly isUniform: boolean;
}

/** Measures the spread of a picture that comes in parts. */
export class SpreadOfParts {
  readonly #counts = new Array<number>(256).fill(0);
  readonly #step: number;
  #next = 0;
  #at = 0;
  #first: number | undefined;
  #isUniform = true;

  /** @param length of all parts together */
  constructor(length: number) {
    // Odd, so that it meets different columns.
    this.#step = Math.floor(length / looked) | 1;
  }

  add(grey: Uint8Array): void {
    for (; this.#next < this.#at + grey.length; this.#next += this.#step) {
      const value = grey[this.#next - this.#at] ?? 0;
      this.#counts[value] = (this.#counts[value] ?? 0) + 1;
    }
    this.#at += grey.length;
    this.#first ??= grey[0];
    this.#isUniform &&= grey.every((value) => value === this.#first);
  }

  get result(): Spread {
    const occurring = this.#counts.flatMap((count, value) => (count > 0 ? [{ value, count }] : []));
    return {
      spread: valueAt(occurring, 0.99) - valueAt(occurring, 0.01),
      isUniform: this.#isUniform,
    };
  }
}

export function spreadOf(grey: Uint8Array): Spread {
  const parts = new SpreadOfParts(grey.length);
  parts.add(grey);
  return parts.result;
}
