import { contents } from './bulk.js';
import type { InstanceId, SeriesId, StudyId } from './ids.js';
import { instanceIdentity, seriesIdentity, studyIdentity } from './resources.js';
import type { Rest } from './rest.js';

/** Where an instance belongs, in Orthanc's identifiers and in DICOM's. */
export interface Belonging {
  series: SeriesId;
  study: StudyId;
  studyInstanceUid: string;
  seriesInstanceUid: string;
  sopInstanceUid: string;
}

/** @returns undefined where the instance is gone */
export async function belongingOf(rest: Rest, id: InstanceId): Promise<Belonging | undefined> {
  const [[instance], [series], [study]] = await Promise.all([
    contents(rest, instanceIdentity, [id], 'Instance'),
    contents(rest, seriesIdentity, [id], 'Series'),
    contents(rest, studyIdentity, [id], 'Study'),
  ]);
  if (instance === undefined || series === undefined || study === undefined) return undefined;
  return {
    series: series.ID,
    study: study.ID,
    studyInstanceUid: study.MainDicomTags['0020,000d'],
    seriesInstanceUid: series.MainDicomTags['0020,000e'],
    sopInstanceUid: instance.MainDicomTags['0008,0018'],
  };
}
