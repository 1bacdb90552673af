import { z } from 'zod';
import { slices } from '../async/slices.js';
import { ifAbsent } from './catch-handlers.js';
import type { Finder, Page } from './finder.js';
import type { Hierarchy } from './hierarchy.js';
import { type AnyId, anyId, type InstanceId, instanceId, type StudyId, studyId } from './ids.js';
import type { IndexedSeries } from './radiographs.js';
import { type InstanceContent, lookupMatches, resourceCount, seriesFound, seriesParts } from './resources.js';
import type { Transport } from './transport.js';

/** Instances whose metadata one call reads. */
const metadataPage = 200;

const found = z.object({ ID: instanceId });
/** Orthanc gives null for an attribute that a file lacks, or an empty text, as the attribute is. */
const withRequestedTags = z.object({ RequestedTags: z.record(z.string(), z.string().nullable()) });

const ofPatient = z
  .looseObject({ RequestedTags: z.object({ PatientID: z.string().nullish() }) })
  .transform((each) => ({
    series: seriesFound.parse(each),
    patient: each.RequestedTags.PatientID?.trim(),
  }));

/** Finds and counts resources. */
export class Search {
  readonly #transport: Transport;
  readonly #finder: Finder;
  readonly #hierarchy: Hierarchy;

  constructor(transport: Transport, finder: Finder, hierarchy: Hierarchy) {
    this.#transport = transport;
    this.#finder = finder;
    this.#hierarchy = hierarchy;
  }

  /** A page of series, in an order that does not change when their metadata is written. */
  series(query: Record<string, string>, page: Page): Promise<IndexedSeries[]> {
    const data = { Level: 'Series', Query: query, CaseSensitive: false, ...seriesParts };
    return this.#finder.once(seriesFound, { ...data, Since: page.since, Limit: page.limit });
  }

  /**
   * The series of a patient, of exactly this Patient ID. It holds no wildcard. Orthanc takes capital and small letters for
   * the same, and refuses to tell them apart in parts of a list.
   */
  async seriesOfPatient(patientId: string, most: number): Promise<IndexedSeries[]> {
    const data = {
      Level: 'Series',
      Query: { PatientID: patientId },
      CaseSensitive: false,
      ...seriesParts,
      RequestedTags: ['PatientID'],
    };
    const found = await this.#finder.all(ofPatient, data, { limit: most });
    return found.flatMap(({ series, patient }) => (patient === patientId ? [series] : []));
  }

  /** A page of all series, by when Orthanc last received something for them. */
  seriesByUpdate(page: Page & { order: 'newest' | 'oldest' }): Promise<IndexedSeries[]> {
    return this.#finder.once(seriesFound, {
      ...allSeries,
      ...seriesParts,
      Since: page.since,
      Limit: page.limit,
      OrderBy: [{ Type: 'Metadata', Key: 'LastUpdate', Direction: page.order === 'newest' ? 'DESC' : 'ASC' }],
    });
  }

  /** @returns undefined where Orthanc (before 1.12.5) cannot count */
  countSeries(query: Record<string, string> = {}): Promise<number | undefined> {
    return this.#count({ ...allSeries, Query: query });
  }

  /** @returns undefined where Orthanc (before 1.12.5) cannot count */
  countLabelled(label: string, level: 'Instance' | 'Study' = 'Instance'): Promise<number | undefined> {
    return this.#count({ ...instancesWith([label], {}), Level: level });
  }

  /** All instances with a label. */
  labelled(label: string): Promise<InstanceId[]> {
    return this.#finder.all(instanceId, instancesWith([label], {}));
  }

  /**
   * All instances with a label, with their metadata. All identifiers are read first, because the caller may remove the
   * label while it iterates.
   */
  async *labelledWithMetadata(label: string): AsyncGenerator<InstanceContent> {
    for (const ids of slices(await this.labelled(label), metadataPage))
      yield* await this.#hierarchy.instances(ids);
  }

  /** A page of the instances with all of these labels, in no defined order. */
  async labelledPage(
    labels: readonly string[],
    query: Record<string, string>,
    page: Page,
  ): Promise<InstanceId[]> {
    const data = { ...instancesWith(labels, query), ResponseContent: [] };
    const all = await this.#finder.once(found, { ...data, Since: page.since, Limit: page.limit });
    return all.map(({ ID }) => ID);
  }

  /** A page of the instances with a label, the last received first where the database can sort. */
  labelledNewest(label: string, query: Record<string, string>, page: Page): Promise<InstanceId[]> {
    return this.#finder.all(instanceId, labelledNewest(label, query), page);
  }

  /** A page of the studies with a label, the last changed first where the database can sort. */
  studiesLabelled(label: string, query: Record<string, string>, page: Page): Promise<StudyId[]> {
    const data = {
      ...instancesWith([label], query),
      Level: 'Study',
      OrderBy: [{ Type: 'Metadata', Key: 'LastUpdate', Direction: 'DESC' }],
    };
    return this.#finder.all(studyId, data, page);
  }

  /** Value of an attribute of an instance, by keyword. @returns undefined where it is absent or empty */
  async attribute(id: InstanceId, keyword: string): Promise<string | undefined> {
    return (await this.attributes(id, [keyword]))(keyword);
  }

  /** Values of attributes of an instance, by keyword; undefined for those that are absent or empty. */
  async attributes(
    id: InstanceId,
    keywords: readonly string[],
  ): Promise<(keyword: string) => string | undefined> {
    const { RequestedTags } = await this.#transport.json(withRequestedTags, {
      method: 'GET',
      url: `/instances/${id}`,
      params: { requestedTags: keywords.join(';') },
    });
    return (keyword) => RequestedTags[keyword]?.trim() || undefined;
  }

  /** @throws attribute_unknown where Orthanc's dictionary does not have one of these keywords */
  async requireAttributes(keywords: readonly string[]): Promise<void> {
    const data = { Level: 'Series', Query: {}, Limit: 1, Expand: true, RequestedTags: keywords };
    await this.#finder.once(z.unknown(), data);
  }

  /** Resources of any level with this DICOM identifier (UID or Patient ID). */
  async lookup(identifier: string): Promise<{ type: string; id: AnyId }[]> {
    const all = await this.#transport.json(lookupMatches, {
      method: 'POST',
      url: '/tools/lookup',
      data: identifier,
      headers: { 'content-type': 'text/plain' },
    });
    return all.map(({ Type, ID }) => ({ type: Type, id: anyId.parse(ID) }));
  }

  async #count(data: object): Promise<number | undefined> {
    const request = { method: 'POST', url: '/tools/count-resources', data };
    return (await this.#transport.json(resourceCount, request).catch(ifAbsent(undefined)))?.Count;
  }
}

const allSeries = { Level: 'Series', Query: {} };

const instancesWith = (labels: readonly string[], query: Record<string, string>) => ({
  Level: 'Instance',
  Query: query,
  Labels: labels,
  LabelsConstraint: 'All',
});

/** Body of `/tools/find` for the instances with a label, the last received first. */
export const labelledNewest = (label: string, query: Record<string, string>): object => ({
  ...instancesWith([label], query),
  CaseSensitive: false,
  OrderBy: [{ Type: 'Metadata', Key: 'ReceptionDate', Direction: 'DESC' }],
});
