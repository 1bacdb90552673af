import { createHash } from 'node:crypto';
import type { Categories } from '../../anatomy/categories.js';
import type { Attributes, Keyword } from './attributes.js';
import { privateScheme, type ReportedInstance, reportContent } from './content.js';
import { writeFile } from './file.js';

/** Comprehensive 3D SR Storage: the SOP class that TID 1500 with TID 1501 groups requires. */
export const reportSopClass = '1.2.840.10008.5.1.4.1.1.88.34';

/** A UID derived from a text: 128 bits of its SHA-256 in the form of PS3.5 section B.2. */
export const uidOf = (text: string): string =>
  `2.25.${BigInt(`0x${createHash('sha256').update(`plainview ${text}`).digest('hex').slice(0, 32)}`)}`;

/** All reports of a study are in one series. */
export const reportSeriesUid = (studyInstanceUid: string): string => uidOf(`series ${studyInstanceUid}`);

/** The bytes of attributes of patient and study in the picture's file, of even length. */
export type OfPicture = ReadonlyMap<Keyword, Buffer>;

export interface ReportDocument {
  sopInstanceUid: string;
  file: Buffer;
  ofPicture: OfPicture;
}

/**
 * A Comprehensive 3D SR about instances of one study. The same decisions about the same patient give the same document
 * with the same UID, so storing it twice changes nothing.
 */
export function reportDocument(
  studyInstanceUid: string,
  reported: readonly ReportedInstance[],
  ofPicture: OfPicture,
  categories: Categories,
): ReportDocument {
  const content = reportContent(reported, uidOf, categories);
  const last =
    reported
      .map(({ record }) => record.when)
      .sort()
      .at(-1) ?? '';
  const [date = '', time = ''] = last.replace(/[-:]|\.\d+Z$|Z$/g, '').split('T');
  const identity = [...ofPicture].map(([keyword, bytes]) => `${keyword} ${bytes.toString('hex')}`).join();
  const sopInstanceUid = uidOf(`report ${studyInstanceUid} ${JSON.stringify(content)} ${last} ${identity}`);
  const attributes: Attributes = {
    ...Object.fromEntries(ofPicture),
    SOPClassUID: reportSopClass,
    SOPInstanceUID: sopInstanceUid,
    SeriesInstanceUID: reportSeriesUid(studyInstanceUid),
    Modality: 'SR',
    SeriesNumber: '5101',
    SeriesDescription: 'Plainview: region and view',
    InstanceNumber: '1',
    SeriesDate: date,
    SeriesTime: time,
    ContentDate: date,
    ContentTime: time,
    Manufacturer: 'Plainview',
    ManufacturerModelName: 'Plainview',
    DeviceSerialNumber: '1',
    SoftwareVersions: '1',
    CompletionFlag: 'COMPLETE',
    VerificationFlag: 'UNVERIFIED',
    ReferencedPerformedProcedureStepSequence: [],
    PerformedProcedureCodeSequence: [],
    CodingSchemeIdentificationSequence: [
      {
        CodingSchemeDesignator: privateScheme,
        CodingSchemeName: 'Plainview',
        CodingSchemeResponsibleOrganization: 'Plainview',
      },
    ],
    CurrentRequestedProcedureEvidenceSequence: evidence(studyInstanceUid, reported),
    ...content,
  };
  return { sopInstanceUid, file: writeFile(attributes, uidOf('implementation')), ofPicture };
}

function evidence(studyInstanceUid: string, reported: readonly ReportedInstance[]): Attributes[] {
  const series = [...new Set(reported.map(({ seriesInstanceUid }) => seriesInstanceUid))];
  return [
    {
      StudyInstanceUID: studyInstanceUid,
      ReferencedSeriesSequence: series.map((uid) => ({
        SeriesInstanceUID: uid,
        ReferencedSOPSequence: reported
          .filter(({ seriesInstanceUid }) => seriesInstanceUid === uid)
          .map(({ sopClassUid, sopInstanceUid }) => ({
            ReferencedSOPClassUID: sopClassUid,
            ReferencedSOPInstanceUID: sopInstanceUid,
          })),
      })),
    },
  ];
}
