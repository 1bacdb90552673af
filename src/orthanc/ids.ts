import { z } from 'zod';

/** Orthanc's own identifiers: the SHA-1 of the DICOM identifiers, in five groups. */
const orthancId = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{8}){4}$/, 'must be an Orthanc identifier');

export const instanceId = orthancId.brand<'InstanceId'>();
export const seriesId = orthancId.brand<'SeriesId'>();
export const studyId = orthancId.brand<'StudyId'>();

export type InstanceId = z.infer<typeof instanceId>;
export type SeriesId = z.infer<typeof seriesId>;
export type StudyId = z.infer<typeof studyId>;

/** A resource that carries metadata and labels, as its place in Orthanc's REST API. */
export type ResourcePath = `instances/${InstanceId}` | `series/${SeriesId}` | `studies/${StudyId}`;
