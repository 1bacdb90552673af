import { z } from 'zod';
import { slices } from '../async/slices.js';
import type { Entry } from '../contract/review.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { Entries, ListedInstance } from './entries.js';

/** Whom to search for. `*`, `?` and `\` would find other patients. */
export const patientQuery = z.strictObject({
  patientId: z
    .string()
    .trim()
    .regex(/^[^*?\\]{1,64}$/, 'must be a whole Patient ID, without wildcards')
    .describe('The whole Patient ID (0010,0020); capital and small letters count. It is not logged.'),
});

/** Limits the calls for one patient, and the answer. */
const mostSeries = 2000;
export const mostOfPatient = 200;

/** The decided radiographs of a patient, the latest study first. @throws orthanc_… */
export async function ofPatient(
  orthanc: Orthanc,
  entries: Entries,
  modalities: readonly string[],
  patientId: string,
): Promise<Entry[]> {
  const series = await orthanc.search.seriesOfPatient(patientId, mostSeries);
  const { holding } = await orthanc.hierarchy.withRadiographs(series, modalities);
  const ids = holding.flatMap(({ instances }) => instances);
  const found: ListedInstance[] = [];
  for (const some of slices(ids, mostOfPatient)) found.push(...(await entries.of(some)));
  const when = ({ entry: { dicom } }: ListedInstance) => `${dicom.studyDate ?? ''} ${dicom.studyTime ?? ''}`;
  found.sort((a, b) => (when(a) < when(b) ? 1 : -1));
  return entries.withExposures(found.slice(0, mostOfPatient));
}
