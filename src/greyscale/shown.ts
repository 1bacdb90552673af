import { createError } from '../errors/errors.js';
import type { Greyscale, VoiWindow } from './attributes.js';
import { greyOf, type Luts, type Spread, spreadOf } from './grey.js';

/** Where a rendering without a window has a smaller spread than this, viewers show it brighter. */
const darkSpread = 128;

/**
 * Whether Orthanc's rendering can be what a viewer shows. A window beside the values makes it white or black.
 * @param rendering the spread of its values
 * @param greyscale undefined for colour
 * @throws picture_uniform for colour
 */
export function isAsShown({ spread, isUniform }: Spread, greyscale: Greyscale | undefined): boolean {
  if (greyscale === undefined) {
    if (isUniform) throw createError('picture_uniform', {});
    return true;
  }
  return spread >= (greyscale.rendering === 'perhaps dark' ? darkSpread : 1);
}

/**
 * The grey of stored values as viewers show it.
 * @param window in place of what the file says. Where there is none, and what the file says shows nothing, the window
 *   is computed.
 * @throws picture_uniform where there is nothing to show
 */
export function shownGrey(
  patterns: Uint16Array,
  greyscale: Greyscale,
  luts: Luts,
  window?: VoiWindow,
): Uint8Array {
  const grey = greyOf(patterns, greyscale, luts, window);
  if (window !== undefined || spreadOf(grey).spread > 0) return grey;
  const computed = greyOf(patterns, greyscale, luts, 'computed');
  if (spreadOf(computed).isUniform) throw createError('picture_uniform', {});
  return computed;
}
