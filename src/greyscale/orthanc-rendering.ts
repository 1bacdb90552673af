import type { Greyscale } from './attributes.js';

type Attributes = Pick<Greyscale, 'bitsStored' | 'isSigned' | 'slope' | 'intercept' | 'window' | 'isInverse'>;

/**
 * 8-bit grey as Orthanc's `/rendered` gives it, where `rendering` is not `wrong`: the first window of the file, else all
 * values that the bits allow. Orthanc computes in single precision and rounds down, so a viewer can show one grey level
 * more. `test/integration/dicom-parity.test.ts` compares.
 * @param patterns signed ones in two's complement
 */
export function orthancRendering(
  patterns: Uint16Array,
  { bitsStored, isSigned, slope, intercept, window, isInverse }: Attributes,
): Uint8Array {
  const { center, width } = window ?? { center: 2 ** (bitsStored - 1), width: 2 ** bitsStored };
  const { fround } = Math;
  const scale = fround((255 * slope) / width);
  const shift = fround(fround((intercept - center + width / 2) / slope) * scale);
  const table = Uint8Array.from({ length: 65_536 }, (_, pattern) => {
    const value = isSigned && pattern > 32_767 ? pattern - 65_536 : pattern;
    const grey = Math.min(Math.max(Math.floor(fround(fround(value * scale) + shift)), 0), 255);
    return isInverse ? 255 - grey : grey;
  });
  return Uint8Array.from(patterns, (pattern) => table[pattern] ?? 0);
}
