import { z } from 'zod';
import { createError } from '../errors/errors.js';
import { bulkContent } from './bulk.js';
import { ifToppled } from './catch-handlers.js';
import { type Declared, declaredOf, declaredTags } from './declared.js';
import type { FileAccess } from './file-access.js';
import type { Finder, Page } from './finder.js';
import { type InstanceId, instanceId, type StudyId, seriesId, studyId } from './ids.js';
import { type IndexedSeries, mayBeRadiograph } from './radiographs.js';
import { type InstanceContent, identifiedInstance, instanceContent } from './resources.js';
import { labelledNewest } from './search.js';
import { simplifiedTags } from './simplified-tags.js';
import type { Transport } from './transport.js';

/** Attributes of instance, series and study that Orthanc's index holds. Orthanc reads no file for them. */
const indexed = [
  'SeriesInstanceUID',
  'StudyInstanceUID',
  'Modality',
  'BodyPartExamined',
  'SeriesDescription',
  'ProtocolName',
  'StationName',
  'StudyDescription',
  'StudyDate',
  'StudyTime',
  'AccessionNumber',
  'RequestedProcedureDescription',
] as const;
const ofInstance = ['SOPInstanceUID', 'NumberOfFrames'] as const;
export type Keyword = (typeof indexed)[number] | (typeof ofInstance)[number];

const text = z.string().trim().min(1).optional().catch(undefined);
const tagsOf = <K extends string>(keywords: readonly K[]) =>
  z.object(Object.fromEntries(keywords.map((keyword) => [keyword, text])) as Record<K, typeof text>);

const found = instanceContent.extend({ MainDicomTags: tagsOf(ofInstance), RequestedTags: tagsOf(indexed) });
const parent = z.object({ ID: seriesId, ParentStudy: studyId });

/** A radiograph with what the index tells of it. */
const dated = instanceContent
  .extend({
    MainDicomTags: z.object({ SOPInstanceUID: z.string() }),
    RequestedTags: z.object({ StudyDate: text }),
  })
  .transform(({ MainDicomTags, RequestedTags, ...instance }) => ({
    instance,
    sopInstanceUid: MainDicomTags.SOPInstanceUID,
    /** YYYYMMDD */
    studyDate: RequestedTags.StudyDate,
  }));
export type DatedInstance = z.output<typeof dated>;

const declaring = z.object({ ID: instanceId, RequestedTags: declaredTags });

/** An instance with attributes of itself, its series and its study from Orthanc's index. */
export interface IndexedInstance {
  instance: InstanceContent;
  study: StudyId;
  /** Orthanc's identifier of the file; not given in pages. */
  file?: string;
  /** Values without padding. An empty value is left out. */
  tags: Partial<Record<Keyword, string | undefined>>;
}

const number = z.coerce.number().optional().catch(undefined);
/** The first value of an attribute that may have several. */
const firstNumber = z
  .string()
  .transform((values) => Number(values.split('\\')[0]?.trim() || Number.NaN))
  .pipe(z.number())
  .optional()
  .catch(undefined);

/** `/instances/{id}/simplified-tags`: attributes for which Orthanc must read the file. */
const fileTags = z.object({
  Rows: number,
  Columns: number,
  ViewPosition: text,
  ImageLaterality: text,
  Laterality: text,
  WindowCenter: firstNumber,
  WindowWidth: firstNumber,
});
export type FileTags = z.output<typeof fileTags>;

/**
 * Instances for lists: metadata and labels, with attributes of instance, series and study. It reads no attribute of the
 * patient. `/tools/find` is many times faster than `/tools/bulk-content` for each level. It needs Orthanc 1.12.5.
 */
export class Listing {
  readonly #transport: Transport;
  readonly #access: FileAccess;
  readonly #finder: Finder;

  constructor(transport: Transport, access: FileAccess, finder: Finder) {
    this.#transport = transport;
    this.#access = access;
    this.#finder = finder;
  }

  /** These instances, in the given order. Leaves out deleted ones. @throws orthanc_too_old */
  async of(ids: readonly InstanceId[]): Promise<IndexedInstance[]> {
    if (ids.length === 0) return [];
    const known = await bulkContent(this.#transport, identifiedInstance, ids, 'Instance');
    if (known.length === 0) return [];
    const uids = known.map(({ MainDicomTags }) => MainDicomTags['0008,0018']);
    const indexedInstances = await this.#find({ Query: { SOPInstanceUID: uids.join('\\') } });
    const byId = new Map(indexedInstances.map((each) => [each.instance.ID, each]));
    const files = new Map(known.map(({ ID, FileUuid }) => [ID, FileUuid]));
    return ids.flatMap((id) => {
      const [found, file] = [byId.get(id), files.get(id)];
      return found === undefined || file === undefined ? [] : { ...found, file };
    });
  }

  /** A page of the instances with a label, the last received first. @throws orthanc_too_old */
  labelled(label: string, query: Record<string, string>, page: Page): Promise<IndexedInstance[]> {
    return this.#find(labelledNewest(label, query), page);
  }

  /**
   * The instances of these series that may be radiographs of the modalities. Orthanc reads no file for them.
   * @throws orthanc_too_old
   */
  async ofSeries(series: readonly IndexedSeries[], modalities: readonly string[]): Promise<DatedInstance[]> {
    if (series.length === 0) return [];
    const modalityOf = new Map(series.map(({ id, modality }) => [id, modality]));
    const instances = await this.#query(dated, {
      Level: 'Instance',
      Query: { SeriesInstanceUID: series.map(({ seriesInstanceUid }) => seriesInstanceUid).join('\\') },
      ResponseContent: ['MainDicomTags', 'Metadata', 'Labels', 'Parent'],
      RequestedTags: ['StudyDate'],
    });
    return instances.filter(({ instance: { ParentSeries, Metadata } }) => {
      // Two patients can have a series of one UID.
      const modality = modalityOf.get(ParentSeries);
      return modality !== undefined && mayBeRadiograph(Metadata.SopClassUid, modality, modalities);
    });
  }

  /** What the files of these instances declare. Orthanc reads each file, up to its pixels. @throws orthanc_too_old */
  async declared(instances: readonly DatedInstance[]): Promise<Map<InstanceId, Declared>> {
    if (instances.length === 0) return new Map();
    const all = await this.#query(declaring, {
      Level: 'Instance',
      Query: { SOPInstanceUID: instances.map(({ sopInstanceUid }) => sopInstanceUid).join('\\') },
      ResponseContent: [],
      RequestedTags: declaredTags.keyof().options,
    });
    return new Map(all.map(({ ID, RequestedTags }) => [ID, declaredOf(RequestedTags)]));
  }

  /** @returns undefined where the file stops Orthanc @throws instance_gone */
  async file(id: InstanceId): Promise<FileTags | undefined> {
    return simplifiedTags(this.#access, fileTags, id).catch(ifToppled(undefined));
  }

  async #find(query: object, page?: Page): Promise<IndexedInstance[]> {
    const request = {
      Level: 'Instance',
      ...query,
      ResponseContent: ['MainDicomTags', 'Metadata', 'Labels', 'Parent'],
      RequestedTags: indexed,
    };
    const instances = await this.#query(found, request, page);
    const series = new Set(instances.flatMap(({ RequestedTags }) => RequestedTags.SeriesInstanceUID ?? []));
    if (series.size === 0) return [];
    const seriesQuery = {
      Level: 'Series',
      Query: { SeriesInstanceUID: [...series].join('\\') },
      ResponseContent: ['Parent'],
    };
    const parents = await this.#query(parent, seriesQuery);
    const studyOf = new Map(parents.map(({ ID, ParentStudy }) => [ID, ParentStudy]));
    return instances.flatMap(({ MainDicomTags, RequestedTags, ...instance }) => {
      const study = studyOf.get(instance.ParentSeries);
      return study === undefined ? [] : [{ instance, study, tags: { ...MainDicomTags, ...RequestedTags } }];
    });
  }

  async #query<T extends z.ZodType>(schema: T, data: object, page?: Page): Promise<z.output<T>[]> {
    const answer = await this.#finder.all(z.union([schema, z.string()]), data, page);
    // An older Orthanc ignores `ResponseContent` and returns identifiers.
    return answer.map((each) => {
      if (typeof each === 'string') throw createError('orthanc_too_old', { needs: '1.12.5' });
      return each;
    });
  }
}
