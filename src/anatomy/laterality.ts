import type { LateralityTags } from '../orthanc/studies.js';
import { bodyPartOf, isPaired as hasSides } from './regions.js';

/** Right and left as the patient has them; DICOM's code strings of Image Laterality (0020,0062). */
export type Side = 'R' | 'L';
/** B: both. What DICOM calls unpaired (U) has no side. */
export type Laterality = Side | 'B';

/** A category of a site's own network counts as paired: its pictures are never mixed across sides. */
export function isPaired(category: string): boolean {
  const part = bodyPartOf(category);
  return part === undefined || hasSides(part);
}

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
