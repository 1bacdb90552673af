import { createHash } from 'node:crypto';
import { z } from 'zod';
import { createError } from '../errors/errors.js';
import { bulkContent } from './bulk.js';
import { type ByUid, uidOf } from './by-uid.js';
import { ifAbsent } from './catch-handlers.js';
import { derivedParents } from './derived-ids.js';
import type { FileAccess } from './file-access.js';
import type { AnyId, GroupId, GroupLevel, InstanceId, PatientId, SeriesId, StudyId } from './ids.js';
import type { Uids } from './known-uids.js';
import { type IndexedSeries, indexedKinds, mayBeRadiograph, toLookAt } from './radiographs.js';
import {
  type DescribedTags,
  describedTags,
  type IdentifiedInstance,
  type InstanceContent,
  identifiedInstance,
  instanceContent,
  metadataContent,
  resourceContent,
  type SeriesContent,
  type StudyContent,
  seriesContent,
  studyContent,
} from './resources.js';
import { simplifiedTags } from './simplified-tags.js';
import type { Transport } from './transport.js';

/** An instance as the pipeline needs it: attributes of its file, and Orthanc's identifiers of its parents. */
export interface DescribedInstance extends Omit<DescribedTags, 'ids'> {
  id: InstanceId;
  /** Undefined where the file's attributes do not give them: then they must be read from Orthanc. */
  parents: IdentifiedParents | undefined;
  /** Undefined where the file has none that can be read. */
  sopInstanceUid: string | undefined;
}

export interface Parents {
  series: SeriesId;
  study: StudyId;
}

/** Identifiers of an instance's parents in Orthanc, with DICOM's of all three. */
export interface IdentifiedParents extends Parents {
  uids: Uids;
}

/** Identifiers of an instance's parents in Orthanc, and DICOM's of itself and its parents. */
export interface InstanceIdentifiers extends Parents {
  patient: PatientId;
  sopInstanceUid: string;
  seriesInstanceUid: string;
  studyInstanceUid: string;
}

/** A study with all its series and instances. */
export interface StudyTree {
  study: StudyContent;
  series: SeriesContent[];
  instances: IdentifiedInstance[];
}

/** A series or study, without what is below it. */
export interface LabelledGroup<I extends SeriesId | StudyId> {
  ID: I;
  Labels: string[];
  Metadata: Record<string, string>;
}

const labelNames = z.array(z.string());
const namedMetadata = z.record(z.string(), z.string());

/** Reads instances, series, studies and patients along Orthanc's hierarchy. */
export class Hierarchy {
  readonly #transport: Transport;
  readonly #access: FileAccess;
  readonly #byUid: ByUid;

  constructor(transport: Transport, access: FileAccess, byUid: ByUid) {
    this.#transport = transport;
    this.#access = access;
    this.#byUid = byUid;
  }

  /** Reads the attributes of an instance's file. @throws instance_gone */
  async describe(id: InstanceId): Promise<DescribedInstance> {
    const { ids, traits, ...described } = await simplifiedTags(this.#access, describedTags, id);
    const derived = ids && derivedParents(id, ids);
    const parents = derived && {
      ...derived,
      uids: { instance: ids.SOPInstanceUID, series: ids.SeriesInstanceUID, study: ids.StudyInstanceUID },
    };
    if (parents !== undefined) {
      const { known } = this.#byUid;
      known.remember(id, parents.uids.instance);
      known.remember(parents.series, parents.uids.series);
      known.remember(parents.study, parents.uids.study);
    }
    return {
      ...described,
      id,
      // Hashed, because it is kept outside of Orthanc, and dates are patient data.
      traits: createHash('sha256').update(traits).digest('hex'),
      parents,
      sopInstanceUid: ids?.SOPInstanceUID,
    };
  }

  /** Instances, or those of studies, with their metadata, in one call. Leaves out deleted ones. */
  async instances(ids: readonly (InstanceId | StudyId)[]): Promise<IdentifiedInstance[]> {
    return ids.length === 0 ? [] : bulkContent(this.#transport, identifiedInstance, ids, 'Instance');
  }

  /** @throws instance_gone */
  async instance(id: InstanceId): Promise<IdentifiedInstance> {
    const [instance] = await this.instances([id]);
    if (instance === undefined) throw createError('instance_gone', { instance: id });
    return instance;
  }

  /** An instance that was read already, as it is now. @returns undefined where it is deleted */
  async again(instance: IdentifiedInstance): Promise<IdentifiedInstance | undefined> {
    const { ID } = instance;
    const found = await this.#byUid.instances([uidOf(instance)]);
    return found.find((each) => each.ID === ID) ?? (await this.instances([ID]))[0];
  }

  /**
   * An instance and the identifier of its study. It takes one call, or two or three where `parents` is undefined or Orthanc
   * is asked by UID.
   * @returns `tree` only where the instance is the only one of its study and `parents` is given; a larger study is
   *   not read
   * @throws instance_gone
   */
  async instanceWithStudy(
    id: InstanceId,
    parents: IdentifiedParents | undefined,
  ): Promise<{ instance: IdentifiedInstance; study: StudyId; tree?: StudyTree }> {
    if (parents === undefined) {
      const [instance, study] = await Promise.all([this.instance(id), this.studyOf(id)]);
      return { instance, study };
    }
    const ids = [id, parents.series, parents.study];
    const { instance, series, study } =
      (await this.#lineByUid(id, parents)) ??
      byLevel(await bulkContent(this.#transport, resourceContent, ids));
    if (instance === undefined) throw createError('instance_gone', { instance: id });
    const isAlone = study?.Series.length === 1 && series?.Instances.length === 1;
    return {
      instance,
      study: parents.study,
      ...(isAlone ? { tree: { study, series: [series], instances: [instance] } } : {}),
    };
  }

  /** @returns `series` only where the study has no other one; undefined where not all are found by UID */
  async #lineByUid(id: InstanceId, { uids, ...parents }: IdentifiedParents) {
    const [instances, studies] = await Promise.all([
      this.#byUid.instances([uids.instance]),
      this.#byUid.studies([uids.study]),
    ]);
    const instance = instances.find(({ ID }) => ID === id);
    const study = studies.find(({ ID }) => ID === parents.study);
    if (instance === undefined || study === undefined) return undefined;
    const all = study.Series.length === 1 ? await this.#byUid.series([uids.series]) : [];
    return { instance, study, series: all.find(({ ID }) => ID === parents.series) };
  }

  /** Identifier of an instance's study. @throws instance_gone */
  async studyOf(id: InstanceId): Promise<StudyId> {
    return (await this.studyAbove(id)).ID;
  }

  /** The study of an instance. @throws instance_gone */
  async studyAbove(id: InstanceId): Promise<StudyContent> {
    const [study] = await bulkContent(this.#transport, studyContent, [id], 'Study');
    if (study === undefined) throw createError('instance_gone', { instance: id });
    return study;
  }

  /** @returns undefined where the study is deleted */
  async tree(id: StudyId): Promise<StudyTree | undefined> {
    return (await this.trees([id]))[0];
  }

  /**
   * Labels and metadata of a series or study. Unlike its content, they do not name what is below it: that takes long where
   * there are thousands of instances.
   * @returns undefined where it is deleted
   */
  async group<I extends SeriesId | StudyId>(
    level: 'series' | 'studies',
    id: I,
  ): Promise<LabelledGroup<I> | undefined> {
    const labels = this.#transport.json(labelNames, { method: 'GET', url: `/${level}/${id}/labels` });
    return Promise.all([labels, this.#metadataOf(`${level}/${id}`)])
      .then(([Labels, Metadata]) => ({ ID: id, Labels, Metadata }))
      .catch(ifAbsent(undefined));
  }

  /**
   * Whole studies, in three calls, or five to seven where Orthanc is asked by UIDs that were not all known. Leaves out
   * deleted ones. Instances are read last: what is written on study and series adds them up, and is written only where these
   * still are as they were read. So a decision that another service makes meanwhile is counted, or met.
   */
  async trees(ids: readonly StudyId[]): Promise<StudyTree[]> {
    if (ids.length === 0) return [];
    const { studies, series, instances } = (await this.#wholeByUid(ids)) ?? (await this.#whole(ids));
    const studyOf = new Map(series.map(({ ID, ParentStudy }) => [ID, ParentStudy]));
    return studies.map((study) => ({
      study,
      series: series.filter(({ ParentStudy }) => ParentStudy === study.ID),
      instances: instances.filter(({ ParentSeries }) => studyOf.get(ParentSeries) === study.ID),
    }));
  }

  /** Identifiers of instances and their parents, in three or four calls. Leaves out deleted instances. */
  async identifiersByInstance(ids: readonly InstanceId[]): Promise<Map<InstanceId, InstanceIdentifiers>> {
    if (ids.length === 0) return new Map();
    const instances = await this.instances(ids);
    const { studies, series } = (await this.#byUid.parents(instances)) ?? (await this.#parents(ids));
    const seriesById = new Map(series.map((each) => [each.ID, each]));
    const studyById = new Map(studies.map((each) => [each.ID, each]));
    return new Map(
      instances.flatMap((instance): [InstanceId, InstanceIdentifiers][] => {
        const parent = seriesById.get(instance.ParentSeries);
        const study = parent && studyById.get(parent.ParentStudy);
        if (parent === undefined || study === undefined) return [];
        const identifiers = {
          series: parent.ID,
          study: study.ID,
          patient: study.ParentPatient,
          sopInstanceUid: instance.MainDicomTags['0008,0018'],
          seriesInstanceUid: parent.MainDicomTags['0020,000e'],
          studyInstanceUid: study.MainDicomTags['0020,000d'],
        };
        return [[instance.ID, identifiers]];
      }),
    );
  }

  /**
   * Those of these series that may hold radiographs of the modalities, or objects of these SOP classes too; and of the
   * others, of what kind they are.
   */
  async withRadiographs(
    series: readonly IndexedSeries[],
    modalities: readonly string[],
    classesToo: readonly string[] = [],
  ): Promise<{ holding: IndexedSeries[]; others: string[][] }> {
    const samples = series.flatMap((each) => toLookAt(each, modalities) ?? []);
    const looked = samples.length === 0 ? [] : await bulkContent(this.#transport, instanceContent, samples);
    const classesOf = ({ id }: IndexedSeries) =>
      looked.flatMap(({ ParentSeries, Metadata }) => (ParentSeries === id ? [Metadata.SopClassUid] : []));
    const isHolding = (each: IndexedSeries) =>
      toLookAt(each, modalities) === undefined ||
      classesOf(each).some(
        (sopClass) =>
          classesToo.includes(sopClass ?? '') || mayBeRadiograph(sopClass, each.modality, modalities),
      );
    const holding = series.filter(isHolding);
    const others = series
      .filter((each) => !holding.includes(each))
      .map((each) => indexedKinds(classesOf(each)[0], each.modality));
    return { holding, others };
  }

  /** The instances of these resources, which may be of any level, that may be radiographs of the modalities. */
  async instancesBelow(
    ids: readonly (AnyId | GroupId | SeriesId)[],
    modalities: readonly string[],
  ): Promise<IdentifiedInstance[]> {
    if (ids.length === 0) return [];
    const instances = await bulkContent(this.#transport, identifiedInstance, ids, 'Instance');
    const { series } = (await this.#byUid.parents(instances)) ?? {
      series: await bulkContent(this.#transport, seriesContent, ids, 'Series'),
    };
    return radiographsOf(series, instances, modalities);
  }

  /** Metadata of series, studies or patients, by identifier. Leaves out deleted ones. */
  async metadata(level: GroupLevel, ids: readonly GroupId[]): Promise<Map<string, Record<string, string>>> {
    if (ids.length === 0) return new Map();
    if (level === 'Series') return this.#seriesMetadata(ids);
    const all = await bulkContent(this.#transport, metadataContent, ids, level);
    return new Map(all.map(({ ID, Metadata }) => [ID, Metadata]));
  }

  /** With SQLite, `/tools/bulk-content` of a series takes reading the metadata of the whole archive. */
  async #seriesMetadata(ids: readonly GroupId[]): Promise<Map<string, Record<string, string>>> {
    const found = await this.#byUid.seriesMetadata(ids);
    const others = await Promise.all(
      ids
        .filter((id) => !found.has(id))
        .map(async (id) => ({
          id,
          metadata: await this.#metadataOf(`series/${id}`).catch(ifAbsent(undefined)),
        })),
    );
    for (const { id, metadata } of others) if (metadata !== undefined) found.set(id, metadata);
    return found;
  }

  #metadataOf(resource: string): Promise<Record<string, string>> {
    return this.#transport.json(namedMetadata, { method: 'GET', url: `/${resource}/metadata?expand` });
  }

  async #parents(ids: readonly (InstanceId | StudyId)[]) {
    const [studies, series] = await Promise.all([
      bulkContent(this.#transport, studyContent, ids, 'Study'),
      bulkContent(this.#transport, seriesContent, ids, 'Series'),
    ]);
    return { studies, series };
  }

  async #whole(ids: readonly StudyId[]) {
    return { ...(await this.#parents(ids)), instances: await this.instances(ids) };
  }

  /** @returns undefined where not all is found by UID */
  async #wholeByUid(ids: readonly StudyId[]) {
    if (!this.#byUid.serves) return undefined;
    const known = await this.#byUid.whole(ids);
    if (known !== undefined) return known;
    // Only for the UIDs of all.
    const before = await this.instances(ids);
    const parents = await this.#byUid.parents(before);
    if (parents === undefined) return undefined;
    const instances = await this.#byUid.instances([...new Set(before.map(uidOf))]);
    const found = new Set<string>([...parents.series, ...instances].map(({ ID }) => ID));
    const below = [
      ...parents.studies.flatMap(({ Series }) => Series),
      ...parents.series.flatMap(({ Instances }) => Instances),
    ];
    if (!below.every((id) => found.has(id))) return undefined;
    this.#byUid.remember({ ...parents, instances });
    return { ...parents, instances };
  }
}

/** The instances that may be radiographs of the modalities. */
export function radiographsOf<I extends InstanceContent>(
  series: readonly SeriesContent[],
  instances: readonly I[],
  modalities: readonly string[],
): I[] {
  const modalityOf = new Map(series.map(({ ID, MainDicomTags }) => [ID, MainDicomTags['0008,0060']]));
  return instances.filter(({ ParentSeries, Metadata }) => {
    const modality = modalityOf.get(ParentSeries);
    return modality !== undefined && mayBeRadiograph(Metadata.SopClassUid, modality, modalities);
  });
}

/** The first resource of each level. */
function byLevel(all: readonly z.output<typeof resourceContent>[]) {
  return {
    instance: all.find((each) => each.Type === 'Instance'),
    series: all.find((each) => each.Type === 'Series'),
    study: all.find((each) => each.Type === 'Study'),
  };
}
