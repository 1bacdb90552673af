import { z } from 'zod';

/** Orthanc's identifier: a SHA-1 of the DICOM identifiers, as five groups of eight hexadecimal digits. */
const orthancId = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{8}){4}$/, 'must be an Orthanc identifier');

export const instanceId = orthancId.brand<'InstanceId'>();
export const seriesId = orthancId.brand<'SeriesId'>();
export const studyId = orthancId.brand<'StudyId'>();
export const patientId = orthancId.brand<'PatientId'>();
/** Identifier of a series, a study or a patient. */
export const groupId = orthancId.brand<'GroupId'>();
/** Identifier of a resource of any level. */
export const anyId = orthancId.brand<'AnyId'>();

export const groupLevel = z.enum(['Series', 'Study', 'Patient']);

export type InstanceId = z.infer<typeof instanceId>;
export type SeriesId = z.infer<typeof seriesId>;
export type StudyId = z.infer<typeof studyId>;
export type PatientId = z.infer<typeof patientId>;
export type GroupId = z.infer<typeof groupId>;
export type AnyId = z.infer<typeof anyId>;
export type GroupLevel = z.infer<typeof groupLevel>;

/** A label as Orthanc accepts it. It is also valid as the name of a folder. */
export const label = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

/** Path of a resource in Orthanc's REST API, without the leading slash. */
export type ResourcePath =
  | `instances/${InstanceId}`
  | `series/${SeriesId | GroupId}`
  | `studies/${StudyId | GroupId}`
  | `patients/${PatientId | GroupId}`;

const collections = { Series: 'series', Study: 'studies', Patient: 'patients' } as const;

export const groupPath = (level: GroupLevel, id: GroupId): ResourcePath => `${collections[level]}/${id}`;

/** A DICOM UID (PS3.5 section 9.1), checked as far as URLs and file names need it. */
export const uid = z.string().regex(/^[0-9.]{1,64}$/, 'must be a DICOM UID');
