import { z } from 'zod';
import { greyscaleOf } from '../greyscale/attributes.js';
import { declaredOf, declaredTags } from './declared.js';
import { exposureOf, exposureTags } from './exposure.js';
import { instanceId, patientId, seriesId, studyId } from './ids.js';
import type { IndexedSeries } from './radiographs.js';

/** The parts of Orthanc's answers that Plainview reads, as Orthanc's REST API documents them. */

export const system = z.object({
  Version: z.string(),
  HasLabels: z.boolean().default(false),
  /** The plugin's name; null with SQLite. */
  DatabaseBackendPlugin: z.string().nullish(),
  UserMetadata: z.record(z.string(), z.number()).default({}),
  ReadOnly: z.boolean().default(false),
  OverwriteInstances: z.boolean().default(false),
});
export type System = z.output<typeof system>;

const content = {
  Metadata: z.record(z.string(), z.string()).default({}),
  Labels: z.array(z.string()).default([]),
};

/** Main tags of `/tools/bulk-content` with `Short: true`, for example `0008,0018`. */
const tags = <K extends string>(...keys: K[]) => ({
  MainDicomTags: z.object(Object.fromEntries(keys.map((key) => [key, z.string()])) as Record<K, z.ZodString>),
});

/** An instance with its metadata and labels. */
export const instanceContent = z.object({ ID: instanceId, ParentSeries: seriesId, ...content });
/** An instance with its SOP Instance UID too, and Orthanc's identifier of its file: each storing gives a new one. */
export const identifiedInstance = instanceContent.extend({ ...tags('0008,0018'), FileUuid: z.string() });
/** A series with its metadata and labels, UID and modality. */
export const seriesContent = z.object({
  ID: seriesId,
  ParentStudy: studyId,
  Instances: z.array(instanceId),
  ...content,
  MainDicomTags: z.object({ '0020,000e': z.string(), '0008,0060': z.string().default('') }),
});
/** A study with its metadata and labels, and its UID. */
export const studyContent = z.object({
  ID: studyId,
  ParentPatient: patientId,
  Series: z.array(seriesId),
  /** Whether no instance came for some time (StableAge in Orthanc's configuration). */
  IsStable: z.boolean().default(true),
  ...content,
  ...tags('0020,000d'),
});
/** As `identifiedInstance`, from `/tools/find` with the attachments: 1 is the DICOM file. Undefined where there is none. */
export const foundInstance = instanceContent
  .extend({
    ...tags('0008,0018'),
    Attachments: z.array(z.object({ ContentType: z.number(), Uuid: z.string() })),
  })
  .transform(({ Attachments, ...instance }) => {
    const file = Attachments.find(({ ContentType }) => ContentType === 1);
    return file && { ...instance, FileUuid: file.Uuid };
  });
/** The metadata of a resource of any level. */
export const metadataContent = z.object({
  ID: z.string(),
  Metadata: z.record(z.string(), z.string()).default({}),
});
const anyUid = z.string().catch('');
/** An instance with the UIDs of its series and study, from `/tools/find`; empty where a file lacks them. */
export const instanceWithUids = z.object({
  ID: instanceId,
  RequestedTags: z.object({ StudyInstanceUID: anyUid, SeriesInstanceUID: anyUid }),
});
/** A resource of any level below the patient. */
export const resourceContent = z.discriminatedUnion('Type', [
  identifiedInstance.extend({ Type: z.literal('Instance') }),
  seriesContent.extend({ Type: z.literal('Series') }),
  studyContent.extend({ Type: z.literal('Study') }),
]);

export type InstanceContent = z.output<typeof instanceContent>;
export type IdentifiedInstance = z.output<typeof identifiedInstance>;
export type SeriesContent = z.output<typeof seriesContent>;
export type StudyContent = z.output<typeof studyContent>;

/** The answer to a file that was stored. */
export const storedInstance = z.object({ ID: instanceId, ParentStudy: studyId, Status: z.string() });
export type StoredInstance = z.output<typeof storedInstance>;

/** `/tools/lookup` */
export const lookupMatches = z.array(z.object({ Type: z.string(), ID: z.string() }));

/** A text value without padding; undefined for an absent, empty, nested or binary value. */
export const text = z
  .unknown()
  .optional()
  .transform((value) => (typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined));
/** NaN for a value that is no number. */
const anyNumber = text.transform((value) => (value === undefined ? undefined : Number(value)));
const wholeNumber = text.transform((value) => {
  const number = Number(value);
  return value !== undefined && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
});

/** Text of an attribute that describes the picture or its order. */
export interface Description {
  /** Keyword of the attribute. */
  attribute: string;
  text: string;
  /** Code Value of a coded attribute. Its `text` is the Code Meaning. */
  code?: string;
}

const coded = z
  .array(z.object({ CodeValue: text, CodeMeaning: text }))
  .optional()
  .catch(undefined);

/** DICOM's identifiers, from which Orthanc derives its own. */
const dicomIds = z.object({
  PatientID: z.string(),
  StudyInstanceUID: z.string(),
  SeriesInstanceUID: z.string(),
  SOPInstanceUID: z.string(),
});

/** Attributes that stay where a picture is moved to another study or patient, or compressed. */
const lastingAttributes = [
  'Modality',
  'Rows',
  'Columns',
  'ContentDate',
  'ContentTime',
  'AcquisitionDate',
  'AcquisitionTime',
  'InstanceNumber',
] as const;

/** Attributes that decide whether and how a picture can be classified. */
const pictureShape = {
  Modality: text,
  SOPClassUID: text,
  Rows: wholeNumber,
  Columns: wholeNumber,
  NumberOfFrames: wholeNumber,
  SamplesPerPixel: anyNumber,
  BitsAllocated: anyNumber,
  PhotometricInterpretation: text,
  RedPaletteColorLookupTableDescriptor: z.unknown().optional(),
  /** 1: the pixels are signed. */
  PixelRepresentation: wholeNumber,
  PatientIdentityRemoved: text,
  /** Orthanc returns null in place of the pixels. Only an absent key means that the file has none. */
  PixelData: z.unknown().optional(),
};

/** Attributes that describe which body part and view were intended. */
const textDescriptions = z.object({
  BodyPartExamined: text,
  ViewPosition: text,
  Laterality: text,
  ImageLaterality: text,
  SeriesDescription: text,
  ProtocolName: text,
  AcquisitionDeviceProcessingDescription: text,
  PerformedProcedureStepDescription: text,
  StudyDescription: text,
  RequestedProcedureDescription: text,
});
const codedDescriptions = z.object({
  AnatomicRegionSequence: coded,
  ViewCodeSequence: coded,
  ProcedureCodeSequence: coded,
  RequestedProcedureCodeSequence: coded,
});
const requestDescriptions = z.object({
  RequestedProcedureDescription: text,
  ScheduledProcedureStepDescription: text,
});
const descriptionShape = {
  ...textDescriptions.shape,
  ...codedDescriptions.shape,
  RequestAttributesSequence: z.array(requestDescriptions).optional().catch(undefined),
};

/** `/instances/{id}/simplified-tags` */
export const describedTags = z.looseObject({ ...pictureShape, ...descriptionShape }).transform((tags) => ({
  ids: dicomIds.safeParse(tags).data,
  exposure: exposureOf(exposureTags.parse(tags)),
  declared: declaredOf(declaredTags.parse(tags)),
  /** Equal where the lasting attributes are: so two instances may show the same picture. */
  traits: lastingAttributes.map((name) => String(tags[name] ?? '')).join('|'),
  tags: {
    modality: tags.Modality,
    sopClassUid: tags.SOPClassUID,
    rows: tags.Rows,
    columns: tags.Columns,
    frames: tags.NumberOfFrames ?? 1,
    samples: tags.SamplesPerPixel,
    bitsAllocated: tags.BitsAllocated,
    lacksPalette:
      tags.PhotometricInterpretation === 'PALETTE COLOR' &&
      tags.RedPaletteColorLookupTableDescriptor === undefined,
    isSigned: tags.PixelRepresentation === 1,
    /** Undefined for colour. */
    greyscale: greyscaleOf(tags),
    isAnonymised: tags.PatientIdentityRemoved === 'YES',
    hasPixels: tags.PixelData !== undefined,
  },
  descriptions: [
    ...inText(tags, textDescriptions.keyof().options),
    ...codedDescriptions.keyof().options.flatMap((attribute) =>
      (tags[attribute] ?? []).map(({ CodeValue, CodeMeaning = '' }) => ({
        attribute,
        text: CodeMeaning,
        ...(CodeValue === undefined ? {} : { code: CodeValue }),
      })),
    ),
    ...(tags.RequestAttributesSequence ?? []).flatMap((item) =>
      inText(item, requestDescriptions.keyof().options),
    ),
  ],
}));

const inText = <K extends string>(
  tags: Record<K, string | undefined>,
  attributes: readonly K[],
): Description[] =>
  attributes.flatMap((attribute) => {
    const text = tags[attribute];
    return text === undefined ? [] : [{ attribute, text }];
  });

export type DescribedTags = z.output<typeof describedTags>;
export type PictureTags = DescribedTags['tags'];

/** `/tools/find` at the level of series, with `seriesParts`. */
export const seriesFound = z
  .object({
    ID: seriesId,
    ParentStudy: studyId,
    Instances: z.array(instanceId),
    MainDicomTags: z.object({ SeriesInstanceUID: z.string(), Modality: z.string().default('') }),
  })
  .transform(
    ({ ID, ParentStudy, Instances, MainDicomTags }): IndexedSeries => ({
      id: ID,
      seriesInstanceUid: MainDicomTags.SeriesInstanceUID,
      study: ParentStudy,
      modality: MainDicomTags.Modality,
      instances: Instances,
    }),
  );

/**
 * What `seriesFound` needs. Without these names, SQLite reads the metadata of the whole archive for the state of a series.
 * Orthanc before 1.12.5 does not know them.
 */
export const seriesParts = { Expand: true, ResponseContent: ['MainDicomTags', 'Parent', 'Children'] };

/** `/tools/count-resources` */
export const resourceCount = z.object({ Count: z.number() });
