import type { LateralityTags } from '../orthanc/studies.js';
import { bodyPartOf, type CategoryCodes } from './categories.js';
import { isPaired as hasSides } from './regions.js';

/** The patient's right or left: code strings of Image Laterality (0020,0062). */
export type Side = 'R' | 'L';
/** B: both. DICOM's U (unpaired) is not a laterality here. */
export type Laterality = Side | 'B';

/** A category without codes counts as paired, so that pictures of different sides are not mixed. */
export function isPaired(codes: CategoryCodes | undefined): boolean {
  const part = bodyPartOf(codes);
  return part === undefined || hasSides(part) || hasSides(codes?.bodyPartExamined ?? '');
}

/**
 * The side of a picture: Image Laterality (0020,0062), else that of its frames (0020,9072), else Laterality of the series
 * (0020,0060). PS3.3 C.7.3.1 allows the last one only where the others are absent.
 * @returns undefined where none is given, or the body part is unpaired (U)
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
