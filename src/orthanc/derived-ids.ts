import { createHash } from 'node:crypto';
import { type InstanceId, type SeriesId, type StudyId, seriesId, studyId } from './ids.js';

/** DICOM's identifiers of an instance and its parents, by keyword. */
export interface DicomIds {
  PatientID: string;
  StudyInstanceUID: string;
  SeriesInstanceUID: string;
  SOPInstanceUID: string;
}

/**
 * Computes Orthanc's identifiers of an instance's series and study, without a call. Orthanc derives its identifiers
 * from DICOM's (Orthanc Book, "Orthanc identifiers": SHA-1 over the DICOM identifiers, separated by `|`).
 * @returns undefined where this computation does not give the instance's own identifier. That happens for a Patient ID
 *   that is not ASCII: Orthanc hashes it in the character set of the file.
 */
export function derivedParents(
  instance: InstanceId,
  { PatientID, StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID }: DicomIds,
): { series: SeriesId; study: StudyId } | undefined {
  const study = [PatientID, StudyInstanceUID];
  const series = [...study, SeriesInstanceUID];
  if (hash([...series, SOPInstanceUID]) !== instance) return undefined;
  return { series: seriesId.parse(hash(series)), study: studyId.parse(hash(study)) };
}

const hash = (parts: readonly string[]): string =>
  createHash('sha1')
    .update(parts.join('|'))
    .digest('hex')
    .replace(/.{8}(?=.)/g, '$&-');
