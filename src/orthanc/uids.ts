import { contents } from './bulk.js';
import type { InstanceId, SeriesId, StudyId } from './ids.js';
import { instanceIdentity, seriesIdentity, studyIdentity } from './resources.js';
import type { Transport } from './transport.js';

/** Where an instance belongs, in Orthanc's identifiers and in DICOM's. */
export interface Belonging {
  series: SeriesId;
  study: StudyId;
  studyInstanceUid: string;
  seriesInstanceUid: string;
  sopInstanceUid: string;
}

/** @returns undefined where the instance is gone */
export async function belongingOf(rest: Transport, id: InstanceId): Promise<Belonging | undefined> {
  return (await belongingsOf(rest, [id])).get(id);
}

/** In three calls, however many; instances that are gone are left out. */
export async function belongingsOf(
  rest: Transport,
  ids: readonly InstanceId[],
): Promise<Map<InstanceId, Belonging>> {
  if (ids.length === 0) return new Map();
  const [instances, allSeries, studies] = await Promise.all([
    contents(rest, instanceIdentity, ids, 'Instance'),
    contents(rest, seriesIdentity, ids, 'Series'),
    contents(rest, studyIdentity, ids, 'Study'),
  ]);
  const seriesById = new Map(allSeries.map((series) => [series.ID, series]));
  const studyById = new Map(studies.map((study) => [study.ID, study]));
  return new Map(
    instances.flatMap((instance) => {
      const series = seriesById.get(instance.ParentSeries);
      const study = series && studyById.get(series.ParentStudy);
      if (series === undefined || study === undefined) return [];
      const belonging = {
        series: series.ID,
        study: study.ID,
        studyInstanceUid: study.MainDicomTags['0020,000d'],
        seriesInstanceUid: series.MainDicomTags['0020,000e'],
        sopInstanceUid: instance.MainDicomTags['0008,0018'],
      };
      return [[instance.ID, belonging] as const];
    }),
  );
}
