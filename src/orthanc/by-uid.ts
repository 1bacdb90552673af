import type { z } from 'zod';
import { slices } from '../async/slices.js';
import { PlainviewError } from '../errors/errors.js';
import type { Finder } from './finder.js';
import type { GroupId, InstanceId, SeriesId, StudyId } from './ids.js';
import { KnownUids, plainUid } from './known-uids.js';
import type { NodeChoice } from './node-choice.js';
import {
  foundInstance,
  type IdentifiedInstance,
  instanceWithUids,
  metadataContent,
  type SeriesContent,
  type StudyContent,
  seriesContent,
  studyContent,
} from './resources.js';

/** In one question. Orthanc takes the square of their number: 10 s for 3,000, half a second for them in hundreds. */
const mostUids = 100;

/** After a question was refused, for so long none is asked. */
const restMs = 600_000;

/** Studies, all their series, and all instances of these. */
export interface WholeStudies {
  studies: StudyContent[];
  series: SeriesContent[];
  instances: IdentifiedInstance[];
}

const content = ['MainDicomTags', 'Metadata', 'Labels', 'Parent'];

/**
 * Resources with metadata and labels by DICOM's UIDs, as `bulkContent` gives them by Orthanc's identifiers. With SQLite,
 * Orthanc finds an identifier by reading all resources of a level, and a series in `/tools/bulk-content` takes reading the
 * metadata of the whole archive. For a UID it has an index, which 1.13.0 uses. What it does not find is left out, and so is
 * what `LimitFindResults` of its configuration cuts, and everything where it is not to be asked, or refuses: so the caller
 * must see that all are there, and else ask by Orthanc's identifiers.
 */
export class ByUid {
  readonly #finder: Finder;
  readonly #choice: NodeChoice;
  /** It knows those of what is noted here: a question about them needs no call for their UIDs. */
  readonly known = new KnownUids();
  /** On the clock of `performance.now()`. */
  #restsUntil = 0;

  constructor(finder: Finder, choice: NodeChoice) {
    this.#finder = finder;
    this.#choice = choice;
  }

  /** Whether each Orthanc answers questions by UID, and faster than by its own identifiers. */
  get serves(): boolean {
    return (
      performance.now() >= this.#restsUntil && this.#choice.members.every(({ isFastByUid }) => isFastByUid)
    );
  }

  async instances(uids: readonly string[]): Promise<IdentifiedInstance[]> {
    const wanted = { ResponseContent: [...content, 'Attachments'], Short: true };
    return (await this.#find(foundInstance, 'Instance', uids, wanted)).flatMap((each) => each ?? []);
  }

  series(uids: readonly string[]): Promise<SeriesContent[]> {
    return this.#find(seriesContent, 'Series', uids, {
      ResponseContent: [...content, 'Children'],
      Short: true,
    });
  }

  studies(uids: readonly string[]): Promise<StudyContent[]> {
    return this.#find(studyContent, 'Study', uids, {
      ResponseContent: [...content, 'Children', 'IsStable'],
      Short: true,
    });
  }

  /** @returns the series and studies of these instances; undefined where some are not found */
  async parents(
    instances: readonly IdentifiedInstance[],
  ): Promise<{ series: SeriesContent[]; studies: StudyContent[] } | undefined> {
    const sample = new Map<SeriesId, IdentifiedInstance>(instances.map((each) => [each.ParentSeries, each]));
    const uids = [...sample.values()].map(uidOf);
    const found = await this.#find(instanceWithUids, 'Instance', uids, {
      ResponseContent: [],
      RequestedTags: ['SeriesInstanceUID', 'StudyInstanceUID'],
    });
    const uidsById = new Map<InstanceId, (typeof found)[number]>(found.map((each) => [each.ID, each]));
    const sampled = [...sample.values()].flatMap(({ ID }) => uidsById.get(ID)?.RequestedTags ?? []);
    const seriesUids = new Set(sampled.map((tags) => tags.SeriesInstanceUID));
    const studyUids = new Set(sampled.map((tags) => tags.StudyInstanceUID));
    const [allSeries, allStudies] = await Promise.all([
      this.series([...seriesUids]),
      this.studies([...studyUids]),
    ]);
    // Two patients can have a series, and a study, of one UID.
    const series = allSeries.filter(({ ID }) => sample.has(ID));
    const wanted = new Set(series.map(({ ParentStudy }) => ParentStudy));
    const studies = allStudies.filter(({ ID }) => wanted.has(ID));
    return series.length === sample.size && studies.length === wanted.size ? { series, studies } : undefined;
  }

  /**
   * Whole studies of which all UIDs are known, level by level: see `Hierarchy.trees`.
   * @returns undefined where one is not known, or something is not found
   */
  async whole(ids: readonly StudyId[]): Promise<WholeStudies | undefined> {
    const studies = await this.#all(ids, (uids) => this.studies(uids));
    const seriesIds = studies?.flatMap(({ Series }) => Series);
    const series = seriesIds && (await this.#all(seriesIds, (uids) => this.series(uids)));
    const instanceIds = series?.flatMap(({ Instances }) => Instances);
    const instances = instanceIds && (await this.#all(instanceIds, (uids) => this.instances(uids)));
    return studies && series && instances && { studies, series, instances };
  }

  /** Metadata of those of these series whose UIDs are known. Leaves out what is not found. */
  async seriesMetadata(ids: readonly GroupId[]): Promise<Map<string, Record<string, string>>> {
    const wanted = new Set<string>(ids);
    const uids = ids.flatMap((id) => this.known.of(id) ?? []);
    const found =
      uids.length === 0
        ? []
        : await this.#find(metadataContent, 'Series', uids, { ResponseContent: ['Metadata'] });
    return new Map(found.flatMap(({ ID, Metadata }) => (wanted.has(ID) ? [[ID, Metadata]] : [])));
  }

  /** Notes the UIDs of what is found. */
  remember({ studies, series, instances }: WholeStudies): void {
    for (const { ID, MainDicomTags } of studies) this.known.remember(ID, MainDicomTags['0020,000d']);
    for (const { ID, MainDicomTags } of series) this.known.remember(ID, MainDicomTags['0020,000e']);
    for (const instance of instances) this.known.remember(instance.ID, uidOf(instance));
  }

  /** @returns undefined where not all of them are known and found */
  async #all<I extends InstanceId | SeriesId | StudyId, T extends { ID: I }>(
    ids: readonly I[],
    find: (uids: readonly string[]) => Promise<T[]>,
  ): Promise<T[] | undefined> {
    const uids = this.known.ofAll(ids);
    const wanted = new Set<I>(ids);
    // Two patients can have resources of one UID.
    const found = uids && (await find([...new Set(uids)])).filter(({ ID }) => wanted.has(ID));
    return found?.length === wanted.size ? found : undefined;
  }

  async #find<T extends z.ZodType>(
    schema: T,
    level: 'Instance' | 'Series' | 'Study',
    uids: readonly string[],
    wanted: { ResponseContent: string[]; Short?: boolean; RequestedTags?: string[] },
  ): Promise<z.output<T>[]> {
    if (!uids.every((uid) => plainUid.test(uid))) return [];
    const found: z.output<T>[] = [];
    try {
      for (const some of slices(uids, mostUids)) {
        if (!this.serves) break;
        const Query = { [keywords[level]]: some.join('\\') };
        found.push(...(await this.#finder.once(schema, { Level: level, Query, ...wanted })));
      }
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#restsUntil = performance.now() + restMs;
    }
    return found;
  }
}

/** Any answer but a good one: a proxy may let `/tools/bulk-content` alone pass, and an older Orthanc knows less. */
const isRefusal = (error: unknown): boolean =>
  error instanceof PlainviewError && !['orthanc_unreachable', 'orthanc_timeout'].includes(error.code);

const keywords = { Instance: 'SOPInstanceUID', Series: 'SeriesInstanceUID', Study: 'StudyInstanceUID' };

export const uidOf = ({ MainDicomTags }: IdentifiedInstance): string => MainDicomTags['0008,0018'];
