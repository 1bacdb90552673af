import type { Vr } from '../part10.js';

/** The attributes that Plainview and its tests use: tag, VR, keyword. A real Orthanc has all of DICOM. */
const lines = `
0002,0000 UL FileMetaInformationGroupLength
0002,0001 OB FileMetaInformationVersion
0002,0002 UI MediaStorageSOPClassUID
0002,0003 UI MediaStorageSOPInstanceUID
0002,0010 UI TransferSyntaxUID
0002,0012 UI ImplementationClassUID
0008,0005 CS SpecificCharacterSet
0008,0008 CS ImageType
0008,0012 DA InstanceCreationDate
0008,0013 TM InstanceCreationTime
0008,0016 UI SOPClassUID
0008,0018 UI SOPInstanceUID
0008,0020 DA StudyDate
0008,0021 DA SeriesDate
0008,0022 DA AcquisitionDate
0008,0023 DA ContentDate
0008,002a DT AcquisitionDateTime
0008,0030 TM StudyTime
0008,0031 TM SeriesTime
0008,0032 TM AcquisitionTime
0008,0033 TM ContentTime
0008,0050 SH AccessionNumber
0008,0060 CS Modality
0008,0061 CS ModalitiesInStudy
0008,0068 CS PresentationIntentType
0008,0070 LO Manufacturer
0008,0080 LO InstitutionName
0008,0090 PN ReferringPhysicianName
0008,0100 SH CodeValue
0008,0102 SH CodingSchemeDesignator
0008,0104 LO CodeMeaning
0008,0105 CS MappingResource
0008,0110 SQ CodingSchemeIdentificationSequence
0008,0115 ST CodingSchemeName
0008,0116 ST CodingSchemeResponsibleOrganization
0008,0201 SH TimezoneOffsetFromUTC
0008,1010 SH StationName
0008,1030 LO StudyDescription
0008,1032 SQ ProcedureCodeSequence
0008,1040 LO InstitutionalDepartmentName
0008,1041 SQ InstitutionalDepartmentTypeCodeSequence
0008,103e LO SeriesDescription
0008,1070 PN OperatorsName
0008,1090 LO ManufacturerModelName
0008,1111 SQ ReferencedPerformedProcedureStepSequence
0008,1115 SQ ReferencedSeriesSequence
0008,1150 UI ReferencedSOPClassUID
0008,1155 UI ReferencedSOPInstanceUID
0008,1199 SQ ReferencedSOPSequence
0008,2112 SQ SourceImageSequence
0008,2218 SQ AnatomicRegionSequence
0008,3010 UI IrradiationEventUID
0010,0010 PN PatientName
0010,0020 LO PatientID
0010,0030 DA PatientBirthDate
0010,0040 CS PatientSex
0010,1000 LO OtherPatientIDs
0010,1010 AS PatientAge
0012,0062 CS PatientIdentityRemoved
0018,0010 LO ContrastBolusAgent
0018,0015 CS BodyPartExamined
0018,0024 SH SequenceName
0018,1000 LO DeviceSerialNumber
0018,1020 LO SoftwareVersions
0018,1030 LO ProtocolName
0018,1090 IS CardiacNumberOfImages
0018,1400 LO AcquisitionDeviceProcessingDescription
0018,5101 CS ViewPosition
0020,000d UI StudyInstanceUID
0020,000e UI SeriesInstanceUID
0020,0010 SH StudyID
0020,0011 IS SeriesNumber
0020,0012 IS AcquisitionNumber
0020,0013 IS InstanceNumber
0020,0020 CS PatientOrientation
0020,0032 DS ImagePositionPatient
0020,0037 DS ImageOrientationPatient
0020,0060 CS Laterality
0020,0062 CS ImageLaterality
0020,0100 IS TemporalPositionIdentifier
0020,0105 IS NumberOfTemporalPositions
0020,1002 IS ImagesInAcquisition
0020,1208 IS NumberOfStudyRelatedInstances
0020,4000 LT ImageComments
0020,9071 SQ FrameAnatomySequence
0020,9072 CS FrameLaterality
0028,0002 US SamplesPerPixel
0028,0004 CS PhotometricInterpretation
0028,0006 US PlanarConfiguration
0028,0008 IS NumberOfFrames
0028,0010 US Rows
0028,0011 US Columns
0028,0100 US BitsAllocated
0028,0101 US BitsStored
0028,0102 US HighBit
0028,0103 US PixelRepresentation
0028,1050 DS WindowCenter
0028,1051 DS WindowWidth
0028,1052 DS RescaleIntercept
0028,1053 DS RescaleSlope
0032,1032 PN RequestingPhysician
0032,1060 LO RequestedProcedureDescription
0032,1064 SQ RequestedProcedureCodeSequence
0040,0007 LO ScheduledProcedureStepDescription
0040,0244 DA PerformedProcedureStepStartDate
0040,0245 TM PerformedProcedureStepStartTime
0040,0254 LO PerformedProcedureStepDescription
0040,0275 SQ RequestAttributesSequence
0040,08ea SQ MeasurementUnitsCodeSequence
0040,a010 CS RelationshipType
0040,a040 CS ValueType
0040,a043 SQ ConceptNameCodeSequence
0040,a050 CS ContinuityOfContent
0040,a123 PN PersonName
0040,a124 UI UID
0040,a160 UT TextValue
0040,a168 SQ ConceptCodeSequence
0040,a300 SQ MeasuredValueSequence
0040,a30a DS NumericValue
0040,a372 SQ PerformedProcedureCodeSequence
0040,a375 SQ CurrentRequestedProcedureEvidenceSequence
0040,a491 CS CompletionFlag
0040,a493 CS VerificationFlag
0040,a504 SQ ContentTemplateSequence
0040,a730 SQ ContentSequence
0040,db00 CS TemplateIdentifier
0054,0081 US NumberOfSlices
0054,0101 US NumberOfTimeSlices
0054,0220 SQ ViewCodeSequence
0054,1000 CS SeriesType
0054,1330 US ImageIndex
5200,9229 SQ SharedFunctionalGroupsSequence
5200,9230 SQ PerFrameFunctionalGroupsSequence
7fe0,0010 OB PixelData
fffa,fffa SQ DigitalSignaturesSequence
`;

export interface Attribute {
  tag: string;
  vr: Vr;
  keyword: string;
}

const attributes = lines
  .trim()
  .split('\n')
  .map((line): Attribute => {
    const [tag = '', vr = '', keyword = ''] = line.split(' ');
    return { tag, vr: vr as Vr, keyword };
  });
const byKeyword = new Map(attributes.map((attribute) => [attribute.keyword, attribute]));
const byTag = new Map(attributes.map((attribute) => [attribute.tag, attribute]));

/** @param name a keyword, or a tag as `0008,0060` or `00080060` */
export function attributeOf(name: string): Attribute | undefined {
  const [, group, element] = /^([0-9a-f]{4}),?([0-9a-f]{4})$/i.exec(name) ?? [];
  if (group === undefined) return byKeyword.get(name);
  const tag = `${group},${element}`.toLowerCase();
  return byTag.get(tag) ?? { tag, vr: 'UN', keyword: nameOfUnknown(tag) };
}

export const keywordOf = (tag: string): string => byTag.get(tag)?.keyword ?? nameOfUnknown(tag);

function nameOfUnknown(tag: string): string {
  const isPrivate = Number.parseInt(tag.slice(0, 4), 16) % 2 === 1;
  return isPrivate && tag.slice(5, 7) === '00' ? 'PrivateCreator' : 'Unknown Tag & Data';
}

/** Attributes of each level in Orthanc's index, as in `/system`. */
export const mainTags = {
  Patient: '0010,0010;0010,0020;0010,0030;0010,0040;0010,1000',
  Study:
    '0008,0020;0008,0030;0008,0050;0008,0080;0008,0090;0008,0201;0008,1030;0020,000d;0020,0010;0032,1032;0032,1060',
  Series:
    '0008,0021;0008,0031;0008,0060;0008,0070;0008,0201;0008,1010;0008,103e;0008,1070;0018,0010;0018,0015;0018,0024;0018,1030;0018,1090;0018,1400;0020,000e;0020,0011;0020,0037;0020,0105;0020,1002;0040,0244;0040,0245;0040,0254;0040,0275;0054,0081;0054,0101;0054,1000',
  Instance:
    '0008,0012;0008,0013;0008,0018;0020,0012;0020,0013;0020,0032;0020,0037;0020,0100;0020,4000;0028,0008;0054,1330',
} as const;
export type Level = keyof typeof mainTags;
/** From the top level down. */
export const levels = ['Patient', 'Study', 'Series', 'Instance'] as const;
