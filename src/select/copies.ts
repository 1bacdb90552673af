import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../files/make-folder.js';
import { ownerOnly } from '../files/replace.js';
import { withWriteErrors, writeResult } from '../files/result-file.js';
import type { Files } from '../orthanc/files.js';
import { uid } from '../orthanc/ids.js';
import { categoryOrDecision, type Find } from './finds.js';

/**
 * Copies a DICOM file into a folder: `<category or decision>/<SOPInstanceUID>.dcm`. If the UID is not valid, the file is
 * named by Orthanc's identifier. A file that exists is not fetched again, so a second call continues an interrupted copy.
 * @throws report_unwritable, orthanc_…
 */
export async function copy(files: Files, folder: string, found: Find): Promise<void> {
  const categoryFolder = join(folder, categoryOrDecision(found));
  const path = join(categoryFolder, `${fileName(found)}.dcm`);
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  if (exists) return;
  await withWriteErrors(async () => makeFolder(categoryFolder));
  const file = await files.dicom(found.instance);
  await writeResult(path, (part) => writeFile(part, file, ownerOnly));
}

/** The sender chooses the UID. An invalid one (PS3.5 9.1) could name a path outside the folder. */
const fileName = ({ sopInstanceUid, instance }: Find): string =>
  uid.safeParse(sopInstanceUid).data ?? instance;
