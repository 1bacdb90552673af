import { z } from 'zod';

/** Orthanc's own identifiers: the SHA-1 of the DICOM identifiers, in five groups. */
const orthancId = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{8}){4}$/, 'must be an Orthanc identifier');

export const instanceId = orthancId.brand<'InstanceId'>();
export const seriesId = orthancId.brand<'SeriesId'>();
export const studyId = orthancId.brand<'StudyId'>();
export const patientId = orthancId.brand<'PatientId'>();
/** Of a series, a study or a patient. */
export const groupId = orthancId.brand<'GroupId'>();
/** Of whatever level. */
export const anyId = orthancId.brand<'AnyId'>();

export const groupLevel = z.enum(['Series', 'Study', 'Patient']);

export type InstanceId = z.infer<typeof instanceId>;
export type SeriesId = z.infer<typeof seriesId>;
export type StudyId = z.infer<typeof studyId>;
export type PatientId = z.infer<typeof patientId>;
export type GroupId = z.infer<typeof groupId>;
export type AnyId = z.infer<typeof anyId>;
export type GroupLevel = z.infer<typeof groupLevel>;

/** What Orthanc takes as a label; as good for the name of a folder. */
export const label = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

/** A resource that carries metadata and labels, as its place in Orthanc's REST API. */
export type ResourcePath =
  | `instances/${InstanceId}`
  | `series/${SeriesId | GroupId}`
  | `studies/${StudyId | GroupId}`
  | `patients/${PatientId | GroupId}`;

const rooms = { Series: 'series', Study: 'studies', Patient: 'patients' } as const;

/** Where a series, study or patient lies in Orthanc's REST API. */
export const groupPath = (level: GroupLevel, id: GroupId): ResourcePath => `${rooms[level]}/${id}`;

/** PS3.5 section 9.1, as far as it is fit for addresses and file names. */
export const uid = z.string().regex(/^[0-9.]{1,64}$/, 'must be a DICOM UID');
