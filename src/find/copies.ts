import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Media } from '../orthanc/media.js';
import type { Find } from './finds.js';

/**
 * Copies a DICOM file into a folder: `<category or decision>/<SOPInstanceUID>.dcm`. What stands there already is not
 * fetched again, so a copy that was interrupted goes on where it stopped.
 */
export async function copy(media: Media, folder: string, found: Find): Promise<void> {
  const place = join(folder, found.record.category ?? found.record.decision);
  const path = join(place, `${found.sopInstanceUid}.dcm`);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  await mkdir(place, { recursive: true });
  // Under its own name only when it is whole.
  await writeFile(`${path}.part`, await media.file(found.instance));
  await rename(`${path}.part`, path);
}
