import { z } from 'zod';
import { type Exposure, exposureOf, exposureTags } from './exposure.js';
import type { Finder } from './finder.js';
import type { Hierarchy } from './hierarchy.js';
import { instanceId, patientId, studyId } from './ids.js';
import { mayBeRadiograph } from './radiographs.js';
import { type InstanceContent, seriesFound, seriesParts, text } from './resources.js';

/** Most radiographs that one call reads, of all its studies together. No layout has more. */
const maxRadiographs = 200;

/** Most studies of a patient that one search returns. */
const maxStudies = 200;

const studyFound = z
  .object({
    ID: studyId,
    ParentPatient: patientId,
    MainDicomTags: z.object({ StudyInstanceUID: z.string(), StudyDate: text, StudyTime: text }),
    PatientMainDicomTags: z.object({ PatientID: text }),
  })
  .transform(({ ID, ParentPatient, MainDicomTags, PatientMainDicomTags }) => ({
    id: ID,
    studyInstanceUid: MainDicomTags.StudyInstanceUID,
    patient: ParentPatient,
    /** Patient ID (0010,0020); undefined where it is empty. */
    patientId: PatientMainDicomTags.PatientID,
    /** YYYYMMDD */
    date: MainDicomTags.StudyDate,
    /** HHMMSS, with or without a fraction */
    time: MainDicomTags.StudyTime,
  }));
export type FoundStudy = z.output<typeof studyFound>;

const groups = z
  .array(z.object({ FrameAnatomySequence: z.array(z.object({ FrameLaterality: text })).optional() }))
  .nullish()
  .catch(undefined);
const pictureFound = z.object({
  ID: instanceId,
  MainDicomTags: z.object({ SOPInstanceUID: z.string(), InstanceNumber: text }),
  RequestedTags: exposureTags.extend({
    StudyInstanceUID: z.string(),
    SeriesInstanceUID: z.string(),
    SeriesNumber: text,
    ImageLaterality: text,
    Laterality: text,
    SharedFunctionalGroupsSequence: groups,
    PerFrameFunctionalGroupsSequence: groups,
  }),
});

/** The picture's side in DICOM, as the unchanged values. */
export interface LateralityTags {
  /** Image Laterality (0020,0062) */
  image: string | undefined;
  /** Frame Laterality (0020,9072), of all frames or of each */
  frames: readonly string[];
  /** Laterality (0020,0060), of the series */
  series: string | undefined;
}

export interface FoundRadiograph {
  instance: InstanceContent;
  studyInstanceUid: string;
  seriesInstanceUid: string;
  sopInstanceUid: string;
  /** Infinity where there is no number. */
  seriesNumber: number;
  /** Infinity where there is no number. */
  instanceNumber: number;
  laterality: LateralityTags;
  exposure: Exposure | undefined;
}

/** Finds studies by UID, their radiographs, and the patient's earlier studies. */
export class Studies {
  readonly #finder: Finder;
  readonly #hierarchy: Hierarchy;

  constructor(finder: Finder, hierarchy: Hierarchy) {
    this.#finder = finder;
    this.#hierarchy = hierarchy;
  }

  /** @returns undefined where there is no such study, or two of them: Orthanc can hold one UID under two patients */
  async byUid(studyInstanceUid: string): Promise<FoundStudy | undefined> {
    const [study, another] = await this.#find(studyFound, {
      Level: 'Study',
      Query: { StudyInstanceUID: studyInstanceUid },
      Limit: 2,
    });
    return another === undefined ? study : undefined;
  }

  /** Radiographs of these studies with their metadata, in no defined order. At most two hundred are returned. */
  async radiographs(
    studyInstanceUids: readonly string[],
    modalities: readonly string[],
  ): Promise<FoundRadiograph[]> {
    if (studyInstanceUids.length === 0) return [];
    const studies = { StudyInstanceUID: studyInstanceUids.join('\\') };
    const series = await this.#find(seriesFound, { Level: 'Series', Query: studies, ...seriesParts });
    const { holding } = await this.#hierarchy.withRadiographs(series, modalities);
    if (holding.length === 0) return [];
    const modalityOf = new Map<string, string>(holding.map(({ id, modality }) => [id, modality]));
    const found = await this.#find(pictureFound, {
      Level: 'Instance',
      Query: {
        ...studies,
        SeriesInstanceUID: holding.map(({ seriesInstanceUid }) => seriesInstanceUid).join('\\'),
      },
      Limit: maxRadiographs,
      // Orthanc reads a file for what its index does not hold.
      RequestedTags: [
        ...exposureTags.keyof().options,
        'SeriesInstanceUID',
        'SeriesNumber',
        'ImageLaterality',
        'Laterality',
        'SharedFunctionalGroupsSequence',
        'PerFrameFunctionalGroupsSequence',
      ],
    });
    const instances = await this.#hierarchy.instances(found.map(({ ID }) => ID));
    const byId = new Map<string, InstanceContent>(instances.map((instance) => [instance.ID, instance]));
    return found.flatMap(({ ID, MainDicomTags, RequestedTags: tags }) => {
      const instance = byId.get(ID);
      if (instance === undefined) return []; // deleted since the first call
      const modality = modalityOf.get(instance.ParentSeries) ?? '';
      if (!mayBeRadiograph(instance.Metadata.SopClassUid, modality, modalities)) return [];
      const frames = [
        ...(tags.SharedFunctionalGroupsSequence ?? []),
        ...(tags.PerFrameFunctionalGroupsSequence ?? []),
      ];
      return {
        instance,
        studyInstanceUid: tags.StudyInstanceUID,
        seriesInstanceUid: tags.SeriesInstanceUID,
        sopInstanceUid: MainDicomTags.SOPInstanceUID,
        seriesNumber: numberOf(tags.SeriesNumber),
        instanceNumber: numberOf(MainDicomTags.InstanceNumber),
        exposure: exposureOf(tags),
        laterality: {
          image: tags.ImageLaterality,
          series: tags.Laterality,
          frames: frames.flatMap(({ FrameAnatomySequence = [] }) =>
            FrameAnatomySequence.map(({ FrameLaterality }) => FrameLaterality ?? ''),
          ),
        },
      };
    });
  }

  /**
   * The patient's studies before this one with one of the labels, newest first. None where the study has no Patient ID
   * or no date: in Orthanc, all studies without a Patient ID belong to one patient.
   * @param limits.years how far back
   * @param limits.studies most studies
   */
  async priors(
    study: FoundStudy,
    labels: readonly string[],
    { years, studies }: { years: number; studies: number },
  ): Promise<FoundStudy[]> {
    const { date = '', patientId } = study;
    if (patientId === undefined || !/^\d{8}$/.test(date) || labels.length === 0) return [];
    const from = `${String(Number(date.slice(0, 4)) - years).padStart(4, '0')}${date.slice(4)}`;
    const found = await this.#find(studyFound, {
      Level: 'Study',
      Query: { PatientID: patientId, StudyDate: `${from}-${date}` },
      CaseSensitive: true,
      Labels: labels,
      LabelsConstraint: 'Any',
      // More than needed: not every database can sort, and the study itself is among them.
      Limit: maxStudies,
      OrderBy: [
        { Type: 'DicomTag', Key: 'StudyDate', Direction: 'DESC' },
        { Type: 'DicomTag', Key: 'StudyTime', Direction: 'DESC' },
      ],
    });
    return found
      .filter((other) => other.patient === study.patient && isBefore(other, study))
      .sort((a, b) =>
        isBefore(a, b) ? 1 : isBefore(b, a) ? -1 : a.studyInstanceUid < b.studyInstanceUid ? 1 : -1,
      )
      .slice(0, studies);
  }

  #find<T extends z.ZodType>(schema: T, data: object): Promise<z.output<T>[]> {
    return this.#finder.once(schema, { ...data, Expand: true });
  }
}

/** Of two studies of one day, one is earlier only where both have a time. */
function isBefore(a: FoundStudy, b: FoundStudy): boolean {
  if (a.date === undefined || b.date === undefined) return false;
  if (a.date !== b.date) return a.date < b.date;
  return a.time !== undefined && b.time !== undefined && a.time < b.time;
}

const numberOf = (value: string | undefined): number => {
  const number = Number(value ?? Number.NaN);
  return Number.isFinite(number) ? number : Number.POSITIVE_INFINITY;
};
