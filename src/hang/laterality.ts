import { codesOf } from '../categories.js';
import type { LateralityTags } from '../orthanc/pictures.js';
import type { Laterality } from './protocol.js';

/**
 * Body Part Examined of what a person has one of. Any other part, and any category of a site's own network, counts as
 * paired: its pictures are never mixed across sides.
 */
const unpaired = new Set(['ABDOMEN', 'CHEST', 'CSPINE', 'JAW', 'LSPINE', 'PELVIS', 'TSPINE']);

export const isPaired = (category: string): boolean =>
  !unpaired.has(codesOf(category)?.bodyPartExamined ?? '');

/**
 * The side that DICOM gives a picture: of the image (0020,0062), else of its frames (0020,9072), else of the series
 * (0020,0060). PS3.3 C.7.3.1 wants the series' only where neither of the others is there.
 * @returns undefined where none is given, or the part is unpaired (U)
 */
export function lateralityOf({ image, frames, series }: LateralityTags): Laterality | undefined {
  return sideOf(image) ?? sideOfFrames(frames) ?? sideOf(series);
}

const sideOf = (text: string | undefined): Laterality | undefined =>
  text === 'R' || text === 'L' || text === 'B' ? text : undefined;

function sideOfFrames(frames: readonly string[]): Laterality | undefined {
  const sides = new Set(frames.map(sideOf));
  if (sides.size > 1) return sides.has(undefined) ? undefined : 'B';
  return [...sides][0];
}
