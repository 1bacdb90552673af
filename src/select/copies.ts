import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../files/make-folder.js';
import { withWriteErrors, writeResult } from '../files/result-file.js';
import type { Files } from '../orthanc/files.js';
import { uid } from '../orthanc/ids.js';
import type { Find } from './finds.js';

/**
 * Copies a DICOM file into a folder: `<category or decision>/<SOPInstanceUID>.dcm`, by Orthanc's identifier where the
 * UID is none. What stands there already is not fetched again, so a copy that was interrupted goes on where it stopped.
 * @throws report_unwritable, orthanc_…
 */
export async function copy(files: Files, folder: string, found: Find): Promise<void> {
  const place = join(folder, found.record.category ?? found.record.decision);
  const path = join(place, `${fileName(found)}.dcm`);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  await withWriteErrors(async () => makeFolder(place));
  const file = await files.dicom(found.instance);
  await writeResult(path, (part) => writeFile(part, file));
}

/** Whoever may store a picture chooses its UID, and one that is none (PS3.5 9.1) might lead out of the folder. */
const fileName = ({ sopInstanceUid, instance }: Find): string =>
  uid.safeParse(sopInstanceUid).data ?? instance;
