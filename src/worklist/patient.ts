import { z } from 'zod';
import type { Entry } from '../contract/review.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { Entries } from './entries.js';

/** Whom to search for. `*`, `?` and `\` would find other patients. */
export const patientQuery = z.strictObject({
  patientId: z
    .string()
    .trim()
    .regex(/^[^*?\\]{1,64}$/, 'must be a whole Patient ID, without wildcards')
    .describe('The whole Patient ID (0010,0020); capital and small letters count. It is not logged.'),
});

const seriesPage = 100;
/** Limits the calls for one patient, and the answer. */
const maxPages = 20;
export const mostOfPatient = 200;

/** The decided radiographs of a patient, the latest study first. @throws orthanc_… */
export async function ofPatient(
  orthanc: Orthanc,
  entries: Entries,
  modalities: readonly string[],
  patientId: string,
): Promise<Entry[]> {
  const found: Entry[] = [];
  for (let page = 0; page < maxPages && found.length < mostOfPatient; page++) {
    const series = await orthanc.search.seriesOfPatient(patientId, {
      since: page * seriesPage,
      limit: seriesPage,
    });
    if (series.length === 0) break;
    const { holding } = await orthanc.hierarchy.withRadiographs(series, modalities);
    const ids = holding.flatMap(({ instances }) => instances).slice(0, mostOfPatient);
    found.push(...(await entries.withExposures(await entries.of(ids))));
  }
  const when = ({ dicom: { studyDate = '', studyTime = '' } }: Entry) => `${studyDate} ${studyTime}`;
  return found.sort((a, b) => (when(a) < when(b) ? 1 : -1)).slice(0, mostOfPatient);
}
