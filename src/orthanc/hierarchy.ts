import { z } from 'zod';
import { createError } from '../errors/errors.js';
import { bulkContent } from './bulk.js';
import { derivedParents } from './derived-ids.js';
import type { AnyId, GroupId, GroupLevel, InstanceId, PatientId, SeriesId, StudyId } from './ids.js';
import {
  type DescribedTags,
  describedTags,
  type IdentifiedInstance,
  type InstanceContent,
  identifiedInstance,
  instanceContent,
  resourceContent,
  type SeriesContent,
  type StudyContent,
  seriesContent,
  studyContent,
} from './resources.js';
import { simplifiedTags } from './simplified-tags.js';
import type { Transport } from './transport.js';

/** An instance as the pipeline needs it: what its file says, and Orthanc's identifiers of what is above it. */
export interface DescribedInstance extends Omit<DescribedTags, 'ids'> {
  id: InstanceId;
  /** Undefined where they cannot be derived from the file: then they are to be read. */
  parents: Parents | undefined;
}

export interface Parents {
  series: SeriesId;
  study: StudyId;
}

/** Where an instance belongs, in Orthanc's identifiers and in DICOM's. */
export interface InstanceIdentifiers extends Parents {
  patient: PatientId;
  sopInstanceUid: string;
  seriesInstanceUid: string;
  studyInstanceUid: string;
}

/** A study with everything below it. */
export interface StudyTree {
  study: StudyContent;
  series: SeriesContent[];
  instances: IdentifiedInstance[];
}

const carrier = z.object({ ID: z.string(), Metadata: z.record(z.string(), z.string()).default({}) });

/** Instances, series, studies and patients: what is above and below what. */
export class Hierarchy {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** What the file of an instance says. @throws instance_gone */
  async describe(id: InstanceId): Promise<DescribedInstance> {
    const { ids, ...described } = await simplifiedTags(this.#transport, describedTags, id);
    return { ...described, id, parents: ids === undefined ? undefined : derivedParents(id, ids) };
  }

  /** Instances with their metadata, in one call. Those that are gone are left out. */
  async instances(ids: readonly InstanceId[]): Promise<InstanceContent[]> {
    return ids.length === 0 ? [] : bulkContent(this.#transport, instanceContent, ids, 'Instance');
  }

  /** @throws instance_gone */
  async instance(id: InstanceId): Promise<InstanceContent> {
    const [instance] = await this.instances([id]);
    if (instance === undefined) throw createError('instance_gone', { instance: id });
    return instance;
  }

  /**
   * An instance and its study, in one call where nothing else is in the study. Else the study is not read: it may be
   * large.
   * @throws instance_gone
   */
  async instanceWithStudy(
    id: InstanceId,
    parents: Parents | undefined,
  ): Promise<{ instance: InstanceContent; study: StudyId; tree?: StudyTree }> {
    if (parents === undefined) {
      const [instance, study] = await Promise.all([this.instance(id), this.studyOf(id)]);
      return { instance, study };
    }
    const ids = [id, parents.series, parents.study];
    const { instance, series, study } = membersOf(await bulkContent(this.#transport, resourceContent, ids));
    if (instance === undefined) throw createError('instance_gone', { instance: id });
    const isAlone = study?.Series.length === 1 && series?.Instances.length === 1;
    return {
      instance,
      study: parents.study,
      ...(isAlone ? { tree: { study, series: [series], instances: [instance] } } : {}),
    };
  }

  /** The study above an instance. @throws instance_gone */
  async studyOf(id: InstanceId): Promise<StudyId> {
    const [study] = await bulkContent(this.#transport, studyContent, [id], 'Study');
    if (study === undefined) throw createError('instance_gone', { instance: id });
    return study.ID;
  }

  /** @returns undefined where the study is gone */
  async tree(id: StudyId): Promise<StudyTree | undefined> {
    return (await this.trees([id]))[0];
  }

  /** Whole studies in three calls. Those that are gone are left out. */
  async trees(ids: readonly StudyId[]): Promise<StudyTree[]> {
    if (ids.length === 0) return [];
    const { studies, series, instances } = await this.#levels(ids);
    const studyOf = new Map(series.map(({ ID, ParentStudy }) => [ID, ParentStudy]));
    return studies.map((study) => ({
      study,
      series: series.filter(({ ParentStudy }) => ParentStudy === study.ID),
      instances: instances.filter(({ ParentSeries }) => studyOf.get(ParentSeries) === study.ID),
    }));
  }

  /** Where instances belong, in three calls. Those that are gone are left out. */
  async identifiersByInstance(ids: readonly InstanceId[]): Promise<Map<InstanceId, InstanceIdentifiers>> {
    if (ids.length === 0) return new Map();
    const { studies, series, instances } = await this.#levels(ids);
    const seriesById = new Map(series.map((each) => [each.ID, each]));
    const studyById = new Map(studies.map((each) => [each.ID, each]));
    return new Map(
      instances.flatMap((instance): [InstanceId, InstanceIdentifiers][] => {
        const above = seriesById.get(instance.ParentSeries);
        const study = above && studyById.get(above.ParentStudy);
        if (above === undefined || study === undefined) return [];
        const place = {
          series: above.ID,
          study: study.ID,
          patient: study.ParentPatient,
          sopInstanceUid: instance.MainDicomTags['0008,0018'],
          seriesInstanceUid: above.MainDicomTags['0020,000e'],
          studyInstanceUid: study.MainDicomTags['0020,000d'],
        };
        return [[instance.ID, place]];
      }),
    );
  }

  /** @throws instance_gone */
  async identifiers(id: InstanceId): Promise<InstanceIdentifiers> {
    const place = (await this.identifiersByInstance([id])).get(id);
    if (place === undefined) throw createError('instance_gone', { instance: id });
    return place;
  }

  /** The instances at and below these resources, of any level, whose series has one of the modalities. */
  async instancesBelow(
    ids: readonly (AnyId | GroupId)[],
    modalities: readonly string[],
  ): Promise<InstanceContent[]> {
    if (ids.length === 0) return [];
    const [series, instances] = await Promise.all([
      bulkContent(this.#transport, seriesContent, ids, 'Series'),
      bulkContent(this.#transport, instanceContent, ids, 'Instance'),
    ]);
    const wanted = new Set(
      series
        .filter(({ MainDicomTags }) => modalities.includes(MainDicomTags['0008,0060']))
        .map(({ ID }) => ID),
    );
    return instances.filter(({ ParentSeries }) => wanted.has(ParentSeries));
  }

  /** Metadata of series, studies or patients. Those that are gone are left out. */
  async metadata(level: GroupLevel, ids: readonly GroupId[]): Promise<Map<string, Record<string, string>>> {
    if (ids.length === 0) return new Map();
    const all = await bulkContent(this.#transport, carrier, ids, level);
    return new Map(all.map(({ ID, Metadata }) => [ID, Metadata]));
  }

  async #levels(ids: readonly (InstanceId | StudyId)[]) {
    const [studies, series, instances] = await Promise.all([
      bulkContent(this.#transport, studyContent, ids, 'Study'),
      bulkContent(this.#transport, seriesContent, ids, 'Series'),
      bulkContent(this.#transport, identifiedInstance, ids, 'Instance'),
    ]);
    return { studies, series, instances };
  }
}

/** One resource of each level, out of an answer that holds several levels. */
function membersOf(all: readonly z.output<typeof resourceContent>[]) {
  return {
    instance: all.find((each) => each.Type === 'Instance'),
    series: all.find((each) => each.Type === 'Series'),
    study: all.find((each) => each.Type === 'Study'),
  };
}
