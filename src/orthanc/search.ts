import { z } from 'zod';
import { ifAbsent } from './absent.js';
import { contents } from './bulk.js';
import { find, findOnce } from './find.js';
import {
  type AnyId,
  anyId,
  type GroupId,
  type GroupLevel,
  type InstanceId,
  instanceId,
  type PatientId,
  patientId,
} from './ids.js';
import { labelledNewest } from './indexed-instances.js';
import {
  count,
  type InstanceContent,
  instanceContent,
  lookedUp,
  seriesContent,
  seriesIdentity,
  studyContent,
} from './resources.js';
import type { Transport } from './transport.js';

const found = z.object({ ID: instanceId });
const studyOfPatient = studyContent.extend({ ParentPatient: patientId });
const withRequestedTags = z.object({ RequestedTags: z.record(z.string(), z.string()) });
const carrier = z.object({ ID: z.string(), Metadata: z.record(z.string(), z.string()).default({}) });

/** Finds what a person or a request speaks of. Every list is asked for page by page, or bounded by what was named. */
export class Search {
  readonly #rest: Transport;

  constructor(rest: Transport) {
    this.#rest = rest;
  }

  /** Metadata of series, studies or patients; those that are gone are left out. */
  async metadata(level: GroupLevel, ids: readonly GroupId[]): Promise<Map<string, Record<string, string>>> {
    if (ids.length === 0) return new Map();
    const all = await contents(this.#rest, carrier, ids, level);
    return new Map(all.map(({ ID, Metadata }) => [ID, Metadata]));
  }

  /** The instances at and below these resources of whatever level whose series is of one of the modalities. */
  async below(ids: readonly (AnyId | GroupId)[], modalities: readonly string[]): Promise<InstanceContent[]> {
    if (ids.length === 0) return [];
    const [series, instances] = await Promise.all([
      contents(this.#rest, seriesIdentity, ids, 'Series'),
      contents(this.#rest, instanceContent, ids, 'Instance'),
    ]);
    const wanted = new Set<string>(
      series
        .filter(({ MainDicomTags }) => modalities.includes(MainDicomTags['0008,0060']))
        .map(({ ID }) => ID),
    );
    return instances.filter(({ ParentSeries }) => wanted.has(ParentSeries));
  }

  /** A page of series: their identifiers, in an order that writing to them does not change. */
  series(query: Record<string, string>, page: { since: number; limit: number }): Promise<AnyId[]> {
    const data = {
      Level: 'Series',
      Query: query,
      Since: page.since,
      Limit: page.limit,
      CaseSensitive: false,
    };
    return findOnce(this.#rest, anyId, data);
  }

  /** A page of the instances that carry all of these labels, in no order that one may rely on. */
  async labelled(
    labels: readonly string[],
    query: Record<string, string>,
    page: { since: number; limit: number },
  ): Promise<InstanceId[]> {
    const data = {
      Level: 'Instance',
      Query: query,
      Labels: labels,
      LabelsConstraint: 'All',
      Since: page.since,
      Limit: page.limit,
      ResponseContent: [],
    };
    const all = await findOnce(this.#rest, found, data);
    return all.map(({ ID }) => ID);
  }

  /** Orthanc's identifiers of the instances' patients; without those that are gone. */
  async patients(instances: readonly InstanceContent[]): Promise<Map<InstanceId, PatientId>> {
    if (instances.length === 0) return new Map();
    const ids = instances.map(({ ID }) => ID);
    const [series, studies] = await Promise.all([
      contents(this.#rest, seriesContent, ids, 'Series'),
      contents(this.#rest, studyOfPatient, ids, 'Study'),
    ]);
    const studyOf = new Map(series.map(({ ID, ParentStudy }) => [ID, ParentStudy]));
    const patientOf = new Map(studies.map(({ ID, ParentPatient }) => [ID, ParentPatient]));
    return new Map(
      instances.flatMap(({ ID, ParentSeries }) => {
        const study = studyOf.get(ParentSeries);
        const patient = study === undefined ? undefined : patientOf.get(study);
        return patient === undefined ? [] : [[ID, patient]];
      }),
    );
  }

  /** An attribute of an instance, by its keyword; undefined where it is absent or empty. */
  async attribute(id: InstanceId, keyword: string): Promise<string | undefined> {
    const { RequestedTags } = await this.#rest.json(withRequestedTags, {
      method: 'GET',
      url: `/instances/${id}`,
      params: { requestedTags: keyword },
    });
    return RequestedTags[keyword]?.trim() || undefined;
  }

  /** A page of the instances that carry a label, the last received first (in Orthanc's own order where it knows none: see `findOnce`). */
  labelledNewest(
    label: string,
    query: Record<string, string>,
    page: { since: number; limit: number },
  ): Promise<InstanceId[]> {
    return find(this.#rest, instanceId, labelledNewest(label, query), page);
  }

  /** @returns undefined where Orthanc (before 1.12.5) cannot count */
  async countLabelled(label: string): Promise<number | undefined> {
    const data = { Level: 'Instance', Query: {}, Labels: [label], LabelsConstraint: 'All' };
    const request = { method: 'POST', url: '/tools/count-resources', data };
    return (await this.#rest.json(count, request).catch(ifAbsent(undefined)))?.Count;
  }

  /** Orthanc's identifiers of what has that DICOM identifier (UID or Patient ID), at any level. */
  async byDicom(identifier: string): Promise<AnyId[]> {
    const all = await this.#rest.json(lookedUp, {
      method: 'POST',
      url: '/tools/lookup',
      data: identifier,
      headers: { 'content-type': 'text/plain' },
    });
    return all.map(({ ID }) => anyId.parse(ID));
  }
}
