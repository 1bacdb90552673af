import sharp from 'sharp';
import { shipped } from '../../src/files/places.js';
import { image, radiograph } from '../../testkit/dicom.js';

/** The pixels of a radiograph. They are made once and stored many times under new identifiers. */
export interface Exposure {
  rows: number;
  columns: number;
  bitsStored: number;
  pixels: Uint16Array;
}

/** The composite sample at any size, with noise as of a detector. Without noise it would compress too well. */
export async function makeExposure(
  shape: { rows: number; columns: number; bitsStored: number },
  random: () => number,
): Promise<Exposure> {
  const { data, info } = await sharp(shipped('samples', 'chest_composite.png'))
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const file = radiograph({ width: info.width, height: info.height, grey: data }, shape);
  const count = shape.rows * shape.columns;
  // The pixels are the last element of the file. They are copied because their address may be odd.
  const pixels = new Uint16Array(Uint8Array.from(file.subarray(file.length - 2 * count)).buffer);
  const white = 2 ** shape.bitsStored - 1;
  const grain = white / 100;
  for (const [index, value] of pixels.entries())
    pixels[index] = Math.min(white, Math.max(0, Math.round(value + (random() + random() - 1) * grain)));
  return { ...shape, pixels };
}

/** A new instance with these pixels, in a new series; in a new study, unless one is given. */
export function newInstance(
  { rows, columns, bitsStored, pixels }: Exposure,
  { modality = 'CR', patientId, study }: { modality?: 'CR' | 'CT'; patientId: string; study?: string },
): Buffer {
  const window = { center: 2 ** (bitsStored - 1), width: 2 ** bitsStored };
  return image({
    modality,
    patientId,
    rows,
    columns,
    bitsStored,
    pixels,
    window,
    ...(study === undefined ? {} : { studyInstanceUid: study }),
  });
}
