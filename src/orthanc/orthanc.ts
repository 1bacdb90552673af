import type { z } from 'zod';
import { slices } from '../async/slices.js';
import type { Config } from '../config/options.js';
import { createError, PlainviewError } from '../errors/errors.js';
import { goneIfAbsent, ifAbsent } from './absent.js';
import { contents } from './bulk.js';
import { find, findOnce } from './find.js';
import { type InstanceId, instanceId, type ResourcePath, type SeriesId, type StudyId } from './ids.js';
import { notRendered } from './renderings.js';
import {
  count,
  type Description,
  describedTags,
  type InstanceContent,
  instanceContent,
  type PictureTags,
  type SeriesContent,
  type StudyContent,
  seriesContent,
  seriesFound,
  studyContent,
  system,
} from './resources.js';
import { Transport, type TransportOptions } from './transport.js';

/** Instances whose metadata is asked for at a time. */
const pageSize = 200;

/** An instance as the pipeline needs it. */
export interface Described {
  instance: InstanceContent;
  tags: PictureTags;
  /** What DICOM says of the picture and its order. */
  descriptions: Description[];
}

/** A study with everything below it, as one moment's reading. */
export interface StudyTree {
  study: StudyContent;
  series: SeriesContent[];
  instances: InstanceContent[];
}

/** The calls of Orthanc's REST API that Plainview makes. All throw the catalogue's errors. */
export class Orthanc {
  /** For the other classes of this folder. */
  readonly rest: Transport;
  readonly #rendering: Config['rendering'];

  constructor(options: TransportOptions & Pick<Config, 'rendering'>) {
    this.rest = new Transport(options);
    this.#rendering = options.rendering;
  }

  system(): Promise<z.output<typeof system>> {
    return this.rest.json(system, { method: 'GET', url: '/system' });
  }

  /** @throws instance_gone */
  async describe(id: InstanceId): Promise<Described> {
    const [[instance], simplified] = await Promise.all([
      contents(this.rest, instanceContent, [id], 'Instance'),
      this.rest
        .json(describedTags, { method: 'GET', url: `/instances/${id}/simplified-tags` })
        .catch(goneIfAbsent(id)),
    ]);
    if (instance === undefined) throw createError('instance_gone', { instance: id });
    return { instance, ...simplified };
  }

  /** Instances with their metadata, in one call; those that are gone are left out. */
  async instances(ids: readonly InstanceId[]): Promise<InstanceContent[]> {
    return ids.length === 0 ? [] : contents(this.rest, instanceContent, ids, 'Instance');
  }

  /** The study above an instance. @throws instance_gone */
  async studyOf(id: InstanceId): Promise<StudyId> {
    const studies = await contents(this.rest, studyContent, [id], 'Study');
    const study = studies[0];
    if (study === undefined) throw createError('instance_gone', { instance: id });
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
      contents(this.rest, studyContent, ids, 'Study'),
      contents(this.rest, seriesContent, ids, 'Series'),
      contents(this.rest, instanceContent, ids, 'Instance'),
    ]);
    const studyOf = new Map(series.map(({ ID, ParentStudy }) => [ID, ParentStudy]));
    return studies.map((study) => ({
      study,
      series: series.filter(({ ParentStudy }) => ParentStudy === study.ID),
      instances: instances.filter(({ ParentSeries }) => studyOf.get(ParentSeries) === study.ID),
    }));
  }

  /** A page of the series of these modalities, by when Orthanc last received something for them. */
  async findSeries(
    modalities: readonly string[],
    page: { order: 'newest' | 'oldest'; since: number; limit: number },
  ): Promise<{ series: Set<SeriesId>; studies: StudyId[] }> {
    const found = await findOnce(this.rest, seriesFound, {
      ...radiographSeries(modalities),
      Expand: true,
      Since: page.since,
      Limit: page.limit,
      OrderBy: [{ Type: 'Metadata', Key: 'LastUpdate', Direction: page.order === 'newest' ? 'DESC' : 'ASC' }],
    });
    return {
      series: new Set(found.map(({ ID }) => ID)),
      studies: [...new Set(found.map(({ ParentStudy }) => ParentStudy))],
    };
  }

  /**
   * The instances that carry a label, with their metadata. Who they are is asked for first: what is made of them may
   * take the label away.
   */
  async *labelled(label: string): AsyncGenerator<InstanceContent> {
    for (const ids of slices(await this.findLabelled(label), pageSize)) yield* await this.instances(ids);
  }

  /** The instances that carry a label. */
  findLabelled(label: string): Promise<InstanceId[]> {
    const data = { Level: 'Instance', Query: {}, Labels: [label], LabelsConstraint: 'All' };
    return find(this.rest, instanceId, data);
  }

  /** @returns 0 where Orthanc (before 1.12.5) cannot count */
  async countSeries(modalities: readonly string[]): Promise<number> {
    const data = radiographSeries(modalities);
    return this.rest
      .json(count, { method: 'POST', url: '/tools/count-resources', data })
      .then(({ Count }) => Count)
      .catch(ifAbsent(0));
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
    const { body } = await this.rest.call(request).catch(notRendered(id));
    return body;
  }

  async putLabel(resource: ResourcePath, label: string): Promise<void> {
    await this.rest.call({ method: 'PUT', url: `/${resource}/labels/${label}` });
  }

  async deleteLabel(resource: ResourcePath, label: string): Promise<void> {
    await this.rest.call({ method: 'DELETE', url: `/${resource}/labels/${label}` });
  }

  /** Writes whatever stands there now, also under `CheckRevisions`. */
  async putMetadata(resource: ResourcePath, name: string, value: string): Promise<void> {
    await this.#overwrite({ method: 'PUT', url: `/${resource}/metadata/${name}`, data: value });
  }

  /** @returns undefined where there is none */
  async metadata(resource: ResourcePath, name: string): Promise<string | undefined> {
    return this.rest
      .call({ method: 'GET', url: `/${resource}/metadata/${name}` })
      .then(({ body }) => body.toString('utf8'), ifAbsent(undefined));
  }

  /** Does nothing where there is none. */
  async deleteMetadata(resource: ResourcePath, name: string): Promise<void> {
    await this.#overwrite({ method: 'DELETE', url: `/${resource}/metadata/${name}` }).catch(
      ifAbsent(undefined),
    );
  }

  close(): void {
    this.rest.close();
  }

  /**
   * With `CheckRevisions`, Orthanc answers 409 to a change that does not name the revision it replaces.
   * The PUT's own ETag is not to be trusted (1.12.7), so it is read.
   */
  async #overwrite(request: { method: string; url: string; data?: string }): Promise<void> {
    const call = { ...request, headers: { 'content-type': 'text/plain' } };
    try {
      await this.rest.call(call);
    } catch (error) {
      if (!(error instanceof PlainviewError && error.code === 'orthanc_conflict')) throw error;
      const { headers } = await this.rest.call({ method: 'GET', url: request.url });
      await this.rest.call({ ...call, headers: { ...call.headers, 'if-match': headers.etag ?? '' } });
    }
  }
}

const radiographSeries = (modalities: readonly string[]) => ({
  Level: 'Series',
  Query: { Modality: modalities.join('\\') },
});
