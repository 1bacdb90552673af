import { z } from 'zod';

/** What a file tells about the exposure that its picture shows. Several pictures can show one exposure. */
export const exposure = z.object({
  /** SOP Instance UID */
  image: z.string(),
  /** Study Instance UID */
  study: z.string(),
  /** Irradiation Event UID (0008,3010), where it has one value. */
  event: z.string().optional(),
  /** SOP Instance UID of the only picture from which this one was made: Source Image Sequence (0008,2112). */
  source: z.string().optional(),
  /** Station Name (0008,1010), else Device Serial Number (0018,1000): where the picture was taken. */
  station: z.string().optional(),
  /** The device, and date and time of the acquisition. */
  acquired: z.string().optional(),
  /** Presentation Intent Type (0008,0068): a raw picture, not made to be looked at. */
  isForProcessing: z.boolean(),
  /** Image Type (0008,0008), value 1 */
  isDerived: z.boolean(),
});
export type Exposure = z.output<typeof exposure>;

/** Storage of DX, MG and intra-oral pictures "for processing". */
const forProcessing = ['1.1.1', '1.2.1', '1.3.1'].map((end) => `1.2.840.10008.5.1.4.1.1.${end}`);

const text = z.string().trim().min(1).optional().catch(undefined);

/** The attributes that `exposureOf` reads, in Orthanc's simplified format. */
export const exposureTags = z.object({
  SOPInstanceUID: text,
  SOPClassUID: text,
  StudyInstanceUID: text,
  ImageType: text,
  PresentationIntentType: text,
  IrradiationEventUID: text,
  SourceImageSequence: z
    .array(z.object({ ReferencedSOPInstanceUID: text }))
    .optional()
    .catch(undefined),
  AcquisitionDateTime: text,
  AcquisitionDate: text,
  AcquisitionTime: text,
  DeviceSerialNumber: text,
  StationName: text,
});

/** @returns undefined where the file lacks its identifiers */
export function exposureOf(tags: z.output<typeof exposureTags>): Exposure | undefined {
  const { SOPInstanceUID: image, StudyInstanceUID: study, IrradiationEventUID: event } = tags;
  if (image === undefined || study === undefined) return undefined;
  const sources = new Set(
    (tags.SourceImageSequence ?? []).flatMap(({ ReferencedSOPInstanceUID: uid }) => uid ?? []),
  );
  const [source] = sources;
  const acquired = acquisitionOf(tags);
  const station = tags.StationName ?? tags.DeviceSerialNumber;
  return {
    image,
    study,
    // A picture of several exposures, as of a whole leg, is none of them.
    ...(event === undefined || event.includes('\\') ? {} : { event }),
    ...(source === undefined || sources.size > 1 ? {} : { source }),
    ...(acquired === undefined ? {} : { acquired }),
    ...(station === undefined ? {} : { station }),
    isForProcessing:
      tags.PresentationIntentType === 'FOR PROCESSING' || forProcessing.includes(tags.SOPClassUID ?? ''),
    isDerived: tags.ImageType?.split('\\')[0]?.trim() === 'DERIVED',
  };
}

/** To the second at least: one device makes no two exposures in a second. */
function acquisitionOf(tags: z.output<typeof exposureTags>): string | undefined {
  const { AcquisitionDateTime, AcquisitionDate = '', AcquisitionTime = '' } = tags;
  const when = AcquisitionDateTime ?? AcquisitionDate + AcquisitionTime;
  return /^\d{14}/.test(when) ? `${tags.DeviceSerialNumber ?? tags.StationName ?? ''} ${when}` : undefined;
}

/**
 * Whether two pictures surely show one exposure: one irradiation event, or one was made from the other, or one is the
 * raw picture of an acquisition and the other is not.
 */
export function isSameExposure(a: Exposure, b: Exposure): boolean {
  if (a.study !== b.study) return false;
  if (a.image === b.image) return true;
  if (a.event !== undefined && b.event !== undefined) return a.event === b.event;
  if (a.source === b.image || b.source === a.image) return true;
  const isPair = a.isForProcessing !== b.isForProcessing;
  return isPair && a.acquired !== undefined && a.acquired === b.acquired;
}

/** Sorts pictures for presentation before raw ones, then original before derived ones. */
export const byPurpose = (a: Exposure | undefined, b: Exposure | undefined): number =>
  Number(a?.isForProcessing ?? false) - Number(b?.isForProcessing ?? false) ||
  Number(a?.isDerived ?? false) - Number(b?.isDerived ?? false);
