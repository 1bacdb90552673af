import { z } from 'zod';
import { instanceId, seriesId, studyId } from './ids.js';

/** The parts of Orthanc's answers that Plainview reads, as Orthanc's REST API documents them. */

export const system = z.object({
  Version: z.string(),
  HasLabels: z.boolean().default(false),
  UserMetadata: z.record(z.string(), z.number()).default({}),
  ReadOnly: z.boolean().default(false),
});

/** `/tools/bulk-content` with `Metadata: true`. */
const content = {
  Metadata: z.record(z.string(), z.string()).default({}),
  Labels: z.array(z.string()).default([]),
};

export const instanceContent = z.object({ ID: instanceId, ParentSeries: seriesId, ...content });
export const seriesContent = z.object({ ID: seriesId, ParentStudy: studyId, ...content });
export const studyContent = z.object({ ID: studyId, ...content });

export type InstanceContent = z.output<typeof instanceContent>;
export type SeriesContent = z.output<typeof seriesContent>;
export type StudyContent = z.output<typeof studyContent>;

/** Tags of `/tools/bulk-content` with `Short: true`: group and element to text. */
const tags = <K extends string>(...keys: K[]) =>
  z.object({
    MainDicomTags: z.object(
      Object.fromEntries(keys.map((key) => [key, z.string()])) as Record<K, z.ZodString>,
    ),
  });

export const studyIdentity = studyContent.extend(tags('0020,000d').shape);
export const seriesIdentity = seriesContent.extend(tags('0020,000e', '0008,0060').shape);
export const instanceIdentity = instanceContent.extend(tags('0008,0018').shape);

/** `/tools/create-dicom` */
export const created = z.object({ ID: instanceId });

/** `/tools/lookup` */
export const lookedUp = z.array(z.object({ Type: z.string(), ID: z.string() }));

/** A tag whose value Orthanc gives as text; absent, empty and binary ones count as absent. */
const text = z
  .unknown()
  .optional()
  .transform((value) => (typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined));
const wholeNumber = text.transform((value) => {
  const number = Number(value);
  return value !== undefined && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
});

/** `/instances/{id}/simplified-tags`: only what says whether, and how, a picture can be looked at. */
export const pictureTags = z
  .object({
    Modality: text,
    SOPClassUID: text,
    Rows: wholeNumber,
    Columns: wholeNumber,
    NumberOfFrames: wholeNumber,
    /** Orthanc gives null for what is too long to show, so only absence tells that there are no pixels. */
    PixelData: z.unknown().optional(),
  })
  .transform((tags) => ({
    modality: tags.Modality,
    sopClassUid: tags.SOPClassUID,
    rows: tags.Rows,
    columns: tags.Columns,
    frames: tags.NumberOfFrames ?? 1,
    hasPixels: tags.PixelData !== undefined,
  }));

export type PictureTags = z.output<typeof pictureTags>;

/** `/changes`. */
export const changeLog = z.object({
  Changes: z.array(
    z.object({ ChangeType: z.string(), ResourceType: z.string(), ID: z.string(), Seq: z.number() }),
  ),
  Done: z.boolean(),
  Last: z.number(),
});

/** `/tools/find` at the level of series, expanded. */
export const seriesFound = z.object({ ID: seriesId, ParentStudy: studyId });

/** `/tools/count-resources` */
export const count = z.object({ Count: z.number() });
