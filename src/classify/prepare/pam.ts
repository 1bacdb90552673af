import { readPam, valuesOf } from '../../files/pam.js';
import { type Picture, requireSize } from './picture.js';

/**
 * Reads a PAM file, Orthanc's uncompressed format of renderings.
 * @throws picture_undecodable, picture_too_large
 */
export function decodePam(file: Buffer, maxMegapixels: number): Picture {
  const pam = readPam(file);
  requireSize(pam.width, pam.height, maxMegapixels);
  const { width, height, channels, sampledOf } = pam;
  return { width, height, channels, pixels: valuesOf(pam), sampledOf };
}
