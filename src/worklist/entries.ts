import type { Entry } from '../contract/review.js';
import { type Standing, standsInstead } from '../decisions/exposure.js';
import { openStatesOf } from '../decisions/open-states.js';
import { type CategoryLabels, proposedCategories } from '../decisions/proposals.js';
import { recordOf } from '../decisions/read.js';
import { type Parting, partingOf } from '../decisions/shadow.js';
import { pictureOf } from '../decisions/tags-record.js';
import { createError } from '../errors/errors.js';
import type { StudyTree } from '../orthanc/hierarchy.js';
import type { InstanceId, StudyId } from '../orthanc/ids.js';
import type { FileTags, IndexedInstance, Keyword, Listing } from '../orthanc/listing.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { InstanceContent } from '../orthanc/resources.js';

/** Reads instances as the review page shows them: the decision, DICOM attributes, the labels. */
export class Entries {
  readonly #orthanc: Orthanc;
  readonly #names: CategoryLabels;

  constructor(orthanc: Orthanc, names: CategoryLabels) {
    this.#orthanc = orthanc;
    this.#names = names;
  }

  /** In the order of the identifiers. Deleted and undecided instances are left out. */
  async of(ids: readonly InstanceId[]): Promise<ListedInstance[]> {
    return listedOf(await this.#orthanc.listing.of(ids));
  }

  /** A page of decided instances that carry a label, the last received first. */
  async labelled(...page: Parameters<Listing['labelled']>): Promise<ListedInstance[]> {
    return listedOf(await this.#orthanc.listing.labelled(...page));
  }

  /** @throws instance_gone, instance_undecided */
  async one(id: InstanceId): Promise<Entry> {
    const [[described], file] = await Promise.all([
      this.#orthanc.listing.of([id]),
      this.#orthanc.listing.file(id),
    ]);
    if (described === undefined) throw createError('instance_gone', { instance: id });
    const [listed] = listedOf([described], file);
    if (listed === undefined) throw createError('instance_undecided', { instance: id });
    const [[decided = listed.entry], study] = await Promise.all([
      this.withExposures([listed]),
      this.#orthanc.hierarchy.group('studies', listed.study),
    ]);
    const { instance, file: FileUuid } = described;
    const proposed = study === undefined ? [] : proposedCategories(study, [instance], this.#names);
    const entry = { ...decided, proposed };
    return FileUuid === undefined ? entry : { ...entry, picture: pictureOf({ ...instance, FileUuid }) };
  }

  /** What there is to show of a decided instance. @throws instance_gone, instance_undecided */
  async shown(id: InstanceId): Promise<{ frames: number; picture: string }> {
    const [described] = await this.#orthanc.listing.of([id]);
    if (described?.file === undefined) throw createError('instance_gone', { instance: id });
    const { instance, file: FileUuid } = described;
    if (recordOf(instance) === undefined) throw createError('instance_undecided', { instance: id });
    return { frames: framesOf(described), picture: pictureOf({ ...instance, FileUuid }) };
  }

  async ofStudy(id: StudyId): Promise<Entry[]> {
    const tree = await this.#orthanc.hierarchy.tree(id);
    if (tree === undefined) return [];
    const listed = await this.withExposures(await this.of(tree.instances.map(({ ID }) => ID)));
    const proposed = new Map<string, string[]>(
      tree.instances.map((each) => [each.ID, proposedCategories(tree.study, [each], this.#names)]),
    );
    return listed.map((entry) => ({ ...entry, proposed: proposed.get(entry.instance) ?? [] }));
  }

  /** Of each of these studies where a category is proposed, the instance of which that most likely speaks. */
  async proposedIn(ids: readonly StudyId[]): Promise<ListedInstance[]> {
    const trees = await this.#orthanc.hierarchy.trees(ids);
    const found = trees.flatMap((tree) => {
      const proposed = proposedCategories(tree.study, tree.instances, this.#names);
      const instance = this.#proposedOn(tree);
      return proposed.length === 0 || instance === undefined ? [] : [[instance.ID, proposed] as const];
    });
    const proposed = new Map<string, string[]>(found);
    const listed = await this.of(found.map(([instance]) => instance));
    return listed.map(({ entry, ...more }) => ({
      ...more,
      entry: { ...entry, proposed: proposed.get(entry.instance) ?? [] },
    }));
  }

  /** One that carries the label itself, else one that no person has decided and that stands for its exposure. */
  #proposedOn({ study, instances }: StudyTree): InstanceContent | undefined {
    const decided = instances.filter((instance) => recordOf(instance) !== undefined);
    const pictures = decided.map(standingOf);
    const ofStudy = proposedCategories(study, [], this.#names).length;
    return (
      decided.find((each) => proposedCategories(study, [each], this.#names).length > ofStudy) ??
      decided.find((each) => {
        const picture = standingOf(each);
        return picture.who === 'network' && standsInstead(picture, pictures) === undefined;
      }) ??
      decided[0]
    );
  }

  /** Adds which instances stand for the exposures in place of these. It reads the other instances of their studies. */
  async withExposures(listed: readonly ListedInstance[]): Promise<Entry[]> {
    const studies = new Set(listed.flatMap(({ study, picture }) => (picture.exposure ? [study] : [])));
    const instances = await this.#orthanc.hierarchy.instances([...studies]);
    const pictures = instances.map(standingOf);
    return listed.map(({ entry, picture }) => {
      const instead = standsInstead(picture, pictures)?.instance;
      return instead === undefined ? entry : { ...entry, instead };
    });
  }
}

export interface ListedInstance {
  entry: Entry;
  /** The text for searches, in lower case. It is never sent to callers: it contains the accession number. */
  searchText: string;
  study: StudyId;
  picture: Picture;
  /** Whether a shadow network would have decided otherwise. */
  parting: Parting | undefined;
}

/** An instance among those of its study. */
interface Picture extends Standing {
  instance: InstanceId;
}

function standingOf(instance: InstanceContent): Picture {
  const { exposure, who, category, top = [] } = recordOf(instance)?.record ?? {};
  const scored = category === undefined ? top[0] : top.find((each) => each.category === category);
  return { instance: instance.ID, exposure, who, score: scored?.score };
}

const listedOf = (placed: readonly IndexedInstance[], file?: FileTags): ListedInstance[] =>
  placed.flatMap((each) => {
    const entry = entryOf(each, file);
    const record = recordOf(each.instance)?.record;
    return entry === undefined || record === undefined
      ? []
      : {
          entry,
          searchText: searchTextOf(each),
          study: each.study,
          picture: standingOf(each.instance),
          parting: partingOf(record),
        };
  });

/** DICOM keywords by the names of the API. */
const keywords = {
  modality: 'Modality',
  bodyPartExamined: 'BodyPartExamined',
  seriesDescription: 'SeriesDescription',
  protocolName: 'ProtocolName',
  stationName: 'StationName',
  studyDescription: 'StudyDescription',
  studyDate: 'StudyDate',
  studyTime: 'StudyTime',
} as const satisfies Partial<Record<keyof Entry['dicom'], Keyword>>;

const searchable = [
  'BodyPartExamined',
  'SeriesDescription',
  'ProtocolName',
  'StationName',
  'StudyDescription',
  'RequestedProcedureDescription',
  'AccessionNumber',
  'SOPInstanceUID',
  'SeriesInstanceUID',
  'StudyInstanceUID',
] as const satisfies Keyword[];

function entryOf(placed: IndexedInstance, file?: FileTags): Entry | undefined {
  const { instance, study, tags } = placed;
  const known = recordOf(instance);
  if (known === undefined) return undefined;
  const { version: _, labels: __, ms: ___, exposure: ____, ...decision } = known.record;
  const laterality = file?.ImageLaterality ?? file?.Laterality;
  return {
    ...decision,
    instance: instance.ID,
    series: instance.ParentSeries,
    study,
    sopInstanceUid: tags.SOPInstanceUID ?? '',
    seriesInstanceUid: tags.SeriesInstanceUID ?? '',
    studyInstanceUid: tags.StudyInstanceUID ?? '',
    frames: framesOf(placed),
    ...(file?.Rows === undefined ? {} : { rows: file.Rows }),
    ...(file?.Columns === undefined ? {} : { columns: file.Columns }),
    // A width under 1 is no window.
    ...(file?.WindowCenter === undefined || file.WindowWidth === undefined || file.WindowWidth < 1
      ? {}
      : { voi: { center: file.WindowCenter, width: file.WindowWidth } }),
    dicom: {
      ...Object.fromEntries(
        Object.entries(keywords).flatMap(([name, keyword]) =>
          tags[keyword] === undefined ? [] : [[name, tags[keyword]]],
        ),
      ),
      ...(file?.ViewPosition === undefined ? {} : { viewPosition: file.ViewPosition }),
      ...(laterality === undefined ? {} : { laterality }),
    },
    labels: [...instance.Labels].sort(),
    open: openStatesOf(known.record),
  };
}

const framesOf = ({ tags }: IndexedInstance): number => Math.max(1, Number(tags.NumberOfFrames) || 1);

const searchTextOf = ({ tags }: IndexedInstance): string =>
  searchable
    .map((keyword) => tags[keyword] ?? '')
    .join('\n')
    .toLowerCase();
