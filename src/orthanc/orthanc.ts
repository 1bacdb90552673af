import { z } from 'zod';
import type { Config } from '../config/options.js';
import { fail, PlainviewError } from '../errors.js';
import { type InstanceId, instanceId, type ResourcePath, type SeriesId, type StudyId } from './ids.js';
import {
  changeLog,
  count,
  created,
  type InstanceContent,
  instanceContent,
  instanceIdentity,
  lookedUp,
  type PictureTags,
  pictureTags,
  type SeriesContent,
  type StudyContent,
  seriesContent,
  seriesFound,
  seriesIdentity,
  studyContent,
  studyIdentity,
  system,
} from './resources.js';
import { Rest, type RestOptions } from './rest.js';

/** An instance as the pipeline needs it. */
export interface Described {
  instance: InstanceContent;
  tags: PictureTags;
}

/** What DICOM calls a study and the instances in it. */
export interface StudyIdentities {
  studyInstanceUid: string;
  instances: {
    content: InstanceContent;
    sopInstanceUid: string;
    sopClassUid: string;
    seriesInstanceUid: string;
    modality: string;
  }[];
}

/** A study with everything below it, as one moment's reading. */
export interface StudyTree {
  study: StudyContent;
  series: SeriesContent[];
  instances: InstanceContent[];
}

export interface Change {
  id: InstanceId;
  seq: number;
  kind: 'stored' | 'metadata';
}

const changeKinds: Readonly<Record<string, Change['kind']>> = {
  NewInstance: 'stored',
  UpdatedMetadata: 'metadata',
};

export interface ChangePage {
  changes: Change[];
  /** `since` of the next page. */
  next: number;
  done: boolean;
  /** The log ends before `since`: it is not the log that was read before. */
  logIsShorter: boolean;
}

/** The calls of Orthanc's REST API that Plainview makes. All throw the catalogue's errors. */
export class Orthanc {
  readonly #rest: Rest;
  readonly #rendering: Config['rendering'];
  #filtersChanges = true;

  constructor(options: RestOptions & Pick<Config, 'rendering'>) {
    this.#rest = new Rest(options);
    this.#rendering = options.rendering;
  }

  system(): Promise<z.output<typeof system>> {
    return this.#rest.json(system, { method: 'GET', url: '/system' });
  }

  /** @throws instance_gone */
  async describe(id: InstanceId): Promise<Described> {
    const [contents, tags] = await Promise.all([
      this.#contents(instanceContent, [id], 'Instance'),
      this.#rest
        .json(pictureTags, { method: 'GET', url: `/instances/${id}/simplified-tags` })
        .catch(gone(id)),
    ]);
    const instance = contents[0];
    if (instance === undefined) throw fail('instance_gone', { instance: id });
    return { instance, tags };
  }

  /** Instances with their metadata, in one call; those that are gone are left out. */
  async instances(ids: readonly InstanceId[]): Promise<InstanceContent[]> {
    return ids.length === 0 ? [] : this.#contents(instanceContent, ids, 'Instance');
  }

  /** A page of the change log after `since`: instances stored, and instances whose metadata was written. */
  async changes(since: number, limit: number): Promise<ChangePage> {
    const read = (type: object) =>
      this.#rest.json(changeLog, { method: 'GET', url: '/changes', params: { since, limit, ...type } });
    const filtered = { type: Object.keys(changeKinds).join(';') };
    const page = await (this.#filtersChanges ? read(filtered) : read({})).catch((error: unknown) => {
      // Some database plugins cannot filter (Debian's PostgreSQL plugin 5.0 answers 400).
      if (!(this.#filtersChanges && error instanceof PlainviewError && error.code === 'orthanc_rejected'))
        throw error;
      this.#filtersChanges = false;
      return read({});
    });
    return {
      changes: page.Changes.flatMap(({ ChangeType, ResourceType, ID, Seq }) => {
        const kind = changeKinds[ChangeType];
        return kind === undefined || ResourceType !== 'Instance'
          ? []
          : [{ id: instanceId.parse(ID), seq: Seq, kind }];
      }),
      next: page.Changes.at(-1)?.Seq ?? since,
      done: page.Done,
      // Only an empty page gives the last number of the whole log; any other gives its own.
      logIsShorter: page.Changes.length === 0 && page.Last < since,
    };
  }

  /** Entries of the change log after `since`, of any kind and any resource. */
  async changesAfter(since: number, limit: number): Promise<{ seq: number; id: string }[]> {
    const params = { since, limit };
    const { Changes } = await this.#rest.json(changeLog, { method: 'GET', url: '/changes', params });
    return Changes.map(({ Seq, ID }) => ({ seq: Seq, id: ID }));
  }

  /** The study above an instance. @throws instance_gone */
  async studyOf(id: InstanceId): Promise<StudyId> {
    const studies = await this.#contents(studyContent, [id], 'Study');
    const study = studies[0];
    if (study === undefined) throw fail('instance_gone', { instance: id });
    return study.ID;
  }

  /** @returns undefined where the study is gone */
  async studyTree(id: StudyId): Promise<StudyTree | undefined> {
    return (await this.studyTrees([id]))[0];
  }

  /** Whole studies in three calls; those that are gone are left out. */
  async studyTrees(ids: readonly StudyId[]): Promise<StudyTree[]> {
    if (ids.length === 0) return [];
    const [studies, series, instances] = await Promise.all([
      this.#contents(studyContent, ids, 'Study'),
      this.#contents(seriesContent, ids, 'Series'),
      this.#contents(instanceContent, ids, 'Instance'),
    ]);
    const studyOf = new Map(series.map(({ ID, ParentStudy }) => [ID, ParentStudy]));
    return studies.map((study) => ({
      study,
      series: series.filter(({ ParentStudy }) => ParentStudy === study.ID),
      instances: instances.filter(({ ParentSeries }) => studyOf.get(ParentSeries) === study.ID),
    }));
  }

  /** @returns undefined where the study is gone */
  async identities(id: StudyId): Promise<StudyIdentities | undefined> {
    const [[study], series, instances] = await Promise.all([
      this.#contents(studyIdentity, [id], 'Study'),
      this.#contents(seriesIdentity, [id], 'Series'),
      this.#contents(instanceIdentity, [id], 'Instance'),
    ]);
    if (study === undefined) return undefined;
    const above = new Map(series.map(({ ID, MainDicomTags }) => [ID, MainDicomTags]));
    return {
      studyInstanceUid: study.MainDicomTags['0020,000d'],
      instances: instances.flatMap((content) => {
        const parent = above.get(content.ParentSeries);
        const sopClassUid = content.Metadata.SopClassUid;
        // Stored or deleted between the three calls.
        if (parent === undefined || sopClassUid === undefined) return [];
        return {
          content,
          sopInstanceUid: content.MainDicomTags['0008,0018'],
          sopClassUid,
          seriesInstanceUid: parent['0020,000e'],
          modality: parent['0008,0060'],
        };
      }),
    };
  }

  /**
   * Stores a new instance in a study, with the study's and the patient's attributes. Idempotent where the attributes
   * name their SOPInstanceUID.
   * @param attributes by keyword; sequences as arrays
   */
  async create(parent: StudyId, attributes: object): Promise<InstanceId> {
    const data = { Parent: parent, Force: true, Tags: attributes };
    return (await this.#rest.json(created, { method: 'POST', url: '/tools/create-dicom', data })).ID;
  }

  /** @returns undefined where Orthanc has none of that SOPInstanceUID */
  async instanceOf(sopInstanceUid: string): Promise<InstanceId | undefined> {
    const found = await this.#rest.json(lookedUp, {
      method: 'POST',
      url: '/tools/lookup',
      data: sopInstanceUid,
      headers: { 'content-type': 'text/plain' },
    });
    const instance = found.find(({ Type }) => Type === 'Instance');
    return instance === undefined ? undefined : instanceId.parse(instance.ID);
  }

  /** Whether an instance is of that class and in that series. */
  async isIn(id: InstanceId, wanted: { sopClassUid: string; seriesInstanceUid: string }): Promise<boolean> {
    const [[instance], [series]] = await Promise.all([
      this.#contents(instanceContent, [id], 'Instance'),
      this.#contents(seriesIdentity, [id], 'Series'),
    ]);
    return (
      instance?.Metadata.SopClassUid === wanted.sopClassUid &&
      series?.MainDicomTags['0020,000e'] === wanted.seriesInstanceUid
    );
  }

  /** Does nothing where it is gone already. */
  async deleteInstance(id: InstanceId): Promise<void> {
    await this.#rest.call({ method: 'DELETE', url: `/instances/${id}` }).catch((error: unknown) => {
      if (!(error instanceof PlainviewError && error.code === 'orthanc_absent')) throw error;
    });
  }

  /** A page of the series of these modalities, by when Orthanc last received something for them. */
  async findSeries(
    modalities: readonly string[],
    page: { order: 'newest' | 'oldest'; since: number; limit: number },
  ): Promise<{ series: Set<SeriesId>; studies: StudyId[] }> {
    const found = await this.#rest.json(z.array(seriesFound), {
      method: 'POST',
      url: '/tools/find',
      data: {
        ...radiographSeries(modalities),
        Expand: true,
        Since: page.since,
        Limit: page.limit,
        // Orthanc before 1.12.5 knows no order and goes by its own.
        OrderBy: [
          { Type: 'Metadata', Key: 'LastUpdate', Direction: page.order === 'newest' ? 'DESC' : 'ASC' },
        ],
      },
    });
    return {
      series: new Set(found.map(({ ID }) => ID)),
      studies: [...new Set(found.map(({ ParentStudy }) => ParentStudy))],
    };
  }

  /** The instances that carry a label. */
  findLabelled(label: string): Promise<InstanceId[]> {
    const data = { Level: 'Instance', Query: {}, Labels: [label], LabelsConstraint: 'All' };
    return this.#rest.json(z.array(instanceId), { method: 'POST', url: '/tools/find', data });
  }

  /** @returns 0 where Orthanc (before 1.12.5) cannot count */
  async countSeries(modalities: readonly string[]): Promise<number> {
    const data = radiographSeries(modalities);
    return this.#rest
      .json(count, { method: 'POST', url: '/tools/count-resources', data })
      .then(({ Count }) => Count)
      .catch((error: unknown) => {
        if (error instanceof PlainviewError && error.code === 'orthanc_absent') return 0;
        throw error;
      });
  }

  /**
   * The picture as Orthanc renders it for people: 8 bit, windowed, MONOCHROME1 turned.
   * @param frame counted from 0
   * @returns bytes of a PAM or PNG
   * @throws instance_gone, instance_not_renderable
   */
  async render(id: InstanceId, frame: number): Promise<Buffer> {
    // An Orthanc that knows no PAM answers 404 to it alone; the PNG behind it costs nothing to offer.
    const accept = this.#rendering === 'pam' ? 'image/x-portable-arbitrarymap, image/png;q=0.5' : 'image/png';
    const request = { method: 'GET', url: `/instances/${id}/frames/${frame}/rendered`, headers: { accept } };
    const { body } = await this.#rest.call(request).catch((error: unknown) => {
      if (error instanceof PlainviewError && error.code === 'orthanc_unsupported')
        throw fail('instance_not_renderable', { why: 'HTTP 415' }, error);
      return gone(id)(error);
    });
    return body;
  }

  async putLabel(resource: ResourcePath, label: string): Promise<void> {
    await this.#rest.call({ method: 'PUT', url: `/${resource}/labels/${label}` });
  }

  async deleteLabel(resource: ResourcePath, label: string): Promise<void> {
    await this.#rest.call({ method: 'DELETE', url: `/${resource}/labels/${label}` });
  }

  /** Writes whatever stands there now, also under `CheckRevisions`. */
  async putMetadata(resource: ResourcePath, name: string, value: string): Promise<void> {
    await this.#overwrite({ method: 'PUT', url: `/${resource}/metadata/${name}`, data: value });
  }

  /** @returns undefined where there is none */
  async metadata(resource: ResourcePath, name: string): Promise<string | undefined> {
    return this.#rest.call({ method: 'GET', url: `/${resource}/metadata/${name}` }).then(
      ({ body }) => body.toString('utf8'),
      (error: unknown) => {
        if (error instanceof PlainviewError && error.code === 'orthanc_absent') return undefined;
        throw error;
      },
    );
  }

  /** Does nothing where there is none. */
  async deleteMetadata(resource: ResourcePath, name: string): Promise<void> {
    await this.#overwrite({ method: 'DELETE', url: `/${resource}/metadata/${name}` }).catch(
      (error: unknown) => {
        if (!(error instanceof PlainviewError && error.code === 'orthanc_absent')) throw error;
      },
    );
  }

  close(): void {
    this.#rest.close();
  }

  /**
   * With `CheckRevisions`, Orthanc answers 409 to a change that does not name the revision it replaces.
   * The PUT's own ETag is not to be trusted (1.12.7), so it is read.
   */
  async #overwrite(request: { method: string; url: string; data?: string }): Promise<void> {
    const call = { ...request, headers: { 'content-type': 'text/plain' } };
    try {
      await this.#rest.call(call);
    } catch (error) {
      if (!(error instanceof PlainviewError && error.code === 'orthanc_conflict')) throw error;
      const { headers } = await this.#rest.call({ method: 'GET', url: request.url });
      await this.#rest.call({ ...call, headers: { ...call.headers, 'if-match': headers.etag ?? '' } });
    }
  }

  /** One call for a resource's relatives at a level, upwards or downwards, with metadata and labels. */
  #contents<T extends z.ZodType>(
    schema: T,
    ids: readonly string[],
    level: 'Study' | 'Series' | 'Instance',
  ): Promise<z.output<T>[]> {
    return this.#rest.json(z.array(schema), {
      method: 'POST',
      url: '/tools/bulk-content',
      data: { Resources: ids, Level: level, Metadata: true, Short: true },
    });
  }
}

const radiographSeries = (modalities: readonly string[]) => ({
  Level: 'Series',
  Query: { Modality: modalities.join('\\') },
});

const gone =
  (id: InstanceId) =>
  (error: unknown): never => {
    if (error instanceof PlainviewError && error.code === 'orthanc_absent')
      throw fail('instance_gone', { instance: id }, error);
    throw error;
  };
