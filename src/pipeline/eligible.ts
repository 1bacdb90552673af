import type { Config } from '../config/options.js';
import { kindsOf } from '../orthanc/radiographs.js';
import type { PictureTags } from '../orthanc/resources.js';

export const skipReasons = [
  'modality',
  'no_pixels',
  'multiframe',
  'already_decided',
  'corrected_by_person',
  'correction_put_back',
  'other_version',
  'gone',
] as const;
export type SkipReason = (typeof skipReasons)[number];

/** @returns why an instance is not a plain radiograph for this site; undefined if it is one */
export function whyNotRadiograph(
  tags: Pick<PictureTags, 'sopClassUid' | 'modality' | 'hasPixels' | 'frames'>,
  config: Pick<Config, 'modalities' | 'multiframe'>,
): SkipReason | undefined {
  const kinds = kindsOf(tags.sopClassUid, tags.modality);
  if (!kinds.some((code) => config.modalities.includes(code))) return 'modality';
  if (!tags.hasPixels) return 'no_pixels';
  if (tags.frames > 1 && config.multiframe === 'skip') return 'multiframe';
  return undefined;
}

/** @returns the frame that is classified, counted from 0 */
export function frameOf(tags: Pick<PictureTags, 'frames'>, config: Pick<Config, 'multiframe'>): number {
  return config.multiframe === 'middle' ? Math.floor((tags.frames - 1) / 2) : 0;
}
