import { type Arrival, Gathering } from '../async/gathering.js';
import { createError, hasCode } from '../errors/errors.js';
import type { StudyTree } from '../orthanc/hierarchy.js';
import type { InstanceId, ResourcePath, SeriesId, StudyId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';
import type { Locks } from '../store/locks.js';
import type { Derived } from './derived.js';
import { type Labelling, type LabelPlan, labelsOf, planAllLabels, planLabels, prefixed } from './labels.js';
import { type LabelledResource, writeRecord } from './owned-labels.js';
import { type CategoryLabels, proposedCategories } from './proposals.js';
import { recordIn } from './read.js';
import { type GroupRecord, groupRecord, type InstanceRecord, metadataNames, readRecord } from './schema.js';
import { stateLabels } from './state-labels.js';
import { type OnPart, type StudyInPart, StudyTrees } from './study-trees.js';
import { hasPartOfOtherVersion } from './versions.js';

/** A series or a study with the records of its instances. */
interface Group {
  study: StudyId;
  resource: ResourcePath;
  content: LabelledResource;
  records: InstanceRecord[];
  /** Of a study, all its instances. */
  instances?: readonly IdentifiedInstance[];
}

/** The instances of a study, after decisions about some of them were recorded. Undefined where not all were read. */
type Instances = readonly IdentifiedInstance[] | undefined;

/** A decision about an instance of a study that is about to be recorded. */
export type ComingDecision = Arrival<Instances>;

/** Decisions about other instances of the study that are on their way are waited for, but not longer. */
const longestWaitMs = 500;
/** Rounds, each after another writer was met. */
const mostRounds = 8;
/** Resources whose added labels are remembered: many more than are written at the same time. */
const mostRemembered = 1000;
/** After this time no other service is about to add a label: one that is there then is somebody's. */
const pendingMs = 10_000;

function groupsOf(tree: StudyInPart): Group[] {
  const children = tree.instances.flatMap((instance) => {
    const record = recordIn(instance);
    return record === undefined ? [] : [{ series: instance.ParentSeries, record }];
  });
  const { study, instances } = tree;
  const series = tree.series.map((content) => ({
    study: study.ID,
    resource: `series/${content.ID}` as const,
    content,
    records: children.filter((child) => child.series === content.ID).map((child) => child.record),
  }));
  const records = children.map((child) => child.record);
  const top = { resource: `studies/${study.ID}` as const, content: study, records, instances };
  return [...series, { study: study.ID, ...top }];
}

/** The records and labels of series and studies: the sum of their instances' decisions. */
export class Aggregates implements Derived {
  readonly name = 'aggregates';
  readonly #orthanc: Orthanc;
  readonly #names: CategoryLabels;
  readonly #locks: Locks;
  /** The labels that were added since the decisions of a study were last seen to stand: ours, whoever notes them. */
  readonly #added = new Map<ResourcePath, Set<string>>();
  readonly #gathering = new Gathering<StudyId, Instances>(longestWaitMs);
  readonly #trees: StudyTrees;
  readonly #onPart: OnPart;

  /** @param onPart told when a study must be updated as a whole: see `StudyTrees`, and `pending` of `LabelPlan` */
  constructor(orthanc: Orthanc, names: CategoryLabels, locks: Locks, onPart: OnPart = () => undefined) {
    this.#orthanc = orthanc;
    this.#trees = new StudyTrees(orthanc.hierarchy, onPart);
    this.#onPart = onPart;
    this.#names = names;
    this.#locks = locks;
  }

  /** Decisions that are recorded at about the same time are added up at once. Each must be added up, or leave. */
  comes(id: StudyId): ComingDecision {
    return this.#gathering.comes(id);
  }

  /**
   * Brings series and study up to date with their instances, as they are in Orthanc now.
   * @param changed the instance whose record was written; without it, the whole study is read
   * @param known the study, where it was just read: it is read anew where this has to wait, or meets another writer
   * @param coming the decision, where it was said to come
   * @returns what was read after this call, if that was the whole study
   */
  aggregate(
    id: StudyId,
    changed?: InstanceId,
    known?: StudyTree,
    coming?: ComingDecision,
  ): Promise<Instances> {
    this.#trees.change(id, changed);
    const addUp = async () => {
      let instances: Instances;
      let isFresh = true;
      const run = this.#locks.shared('study labels', id, async () => {
        instances = await this.#aggregate(id, isFresh ? known : undefined, planLabels);
      });
      isFresh = false;
      await run;
      return instances;
    };
    return known === undefined && coming !== undefined ? coming.arrive(addUp) : addUp();
  }

  /** The decision that the last sum was made of stands, and so do its labels. */
  settled(study: StudyId, series: SeriesId): void {
    this.#added.delete(`studies/${study}`);
    this.#added.delete(`series/${series}`);
  }

  /** Whether a study is known to have many instances. */
  isLarge(id: StudyId): boolean {
    return this.#trees.isLarge(id);
  }

  /** Like `aggregate`. Also forgets labels that a service was about to add when it ended. */
  async update(id: StudyId): Promise<void> {
    this.#trees.change(id, undefined);
    await this.#locks.exclusive('study labels', id, () => this.#aggregate(id, undefined, planAllLabels));
  }

  /**
   * A person says that the label of a category, which somebody set in Orthanc, is no correction. The label stays.
   * @returns the other categories that are proposed in the study
   * @throws not_proposed, orthanc_…
   */
  dismiss(id: StudyId, category: string): Promise<string[]> {
    this.#trees.change(id, undefined);
    return this.#locks.exclusive('study labels', id, async () => {
      const tree = await this.#orthanc.hierarchy.tree(id);
      const known = tree && readRecord(groupRecord, tree.study.Metadata[metadataNames.record]);
      const proposed =
        tree === undefined || hasPartOfOtherVersion(tree)
          ? []
          : proposedCategories(tree.study, tree.instances, this.#names);
      if (tree === undefined || known === undefined || !proposed.includes(category))
        throw createError('not_proposed', { category });
      const dismissed = [...(known.dismissed ?? []), category].sort();
      const asItIs = planAllLabels(tree.study.Labels, known.labels, known.labels);
      await writeRecord(this.#orthanc, `studies/${id}`, tree.study, asItIs, (labels) => ({
        ...known,
        labels,
        dismissed,
      }));
      await this.#aggregate(id, undefined, planAllLabels);
      return proposed.filter((other) => other !== category);
    });
  }

  /** Whether a study and its series are up to date with their instances, or are not ours to write. */
  isUpToDate(tree: StudyInPart, plan: typeof planLabels = planAllLabels): boolean {
    return hasPartOfOtherVersion(tree) || groupsOf(tree).every((group) => this.#isUpToDate(group, [], plan));
  }

  /**
   * Another service may write to the same study. Orthanc has no transactions, so each record is written only where it
   * is still the one that was read. Else all is read and added up anew.
   */
  async #aggregate(id: StudyId, known: StudyTree | undefined, plan: typeof planLabels): Promise<Instances> {
    const before = new Map<ResourcePath, readonly string[]>();
    let tree: StudyInPart | undefined = known;
    if (known !== undefined) this.#trees.forget(id);
    for (let round = 0; round < mostRounds; round++) {
      tree ??= await this.#trees.read(id, (kept) => this.isUpToDate(kept, plan));
      if (tree === undefined || hasPartOfOtherVersion(tree)) return undefined; // deleted meanwhile, or not ours
      if (await this.#write(groupsOf(tree), before, plan))
        return tree === known || tree.isInPart ? undefined : tree.instances;
      this.#trees.change(id, undefined);
      tree = undefined;
    }
    throw createError('orthanc_conflict', { what: `study ${id}` });
  }

  /**
   * @param before the labels of each resource when it was first read. Labels that came since, and that the records ask
   *   for, were put there by another service's Plainview, whose note of them may be overwritten by ours.
   * @returns whether no other writer was met
   */
  async #write(
    groups: readonly Group[],
    before: Map<ResourcePath, readonly string[]>,
    plan: typeof planLabels,
  ): Promise<boolean> {
    for (const group of groups) {
      const { resource, content } = group;
      const known = before.get(resource) ?? content.Labels;
      before.set(resource, known);
      const came = content.Labels.filter((label) => !known.includes(label));
      if (this.#isUpToDate(group, came, plan)) continue;
      try {
        if (await this.#writeGroup(group, came, plan)) return false;
      } catch (error) {
        if (!hasCode(error, 'orthanc_conflict')) throw error;
        return false;
      }
    }
    return true;
  }

  #isUpToDate(group: Group, came: readonly string[], planned: typeof planLabels): boolean {
    const known = recordOfGroup(group);
    if (known === undefined) return group.records.length === 0;
    const { add, remove, next } = this.#planOf(group, known, came, planned);
    const { categories, decisions, labels } = known;
    return (
      add.length === 0 &&
      remove.length === 0 &&
      JSON.stringify(next) === JSON.stringify({ categories, decisions, labels })
    );
  }

  /** @returns whether another writer was met */
  async #writeGroup(group: Group, came: readonly string[], planned: typeof planLabels): Promise<boolean> {
    const { resource, content } = group;
    const known = recordOfGroup(group);
    const { next, ...plan } = this.#planOf(group, known, came, planned);
    if (plan.add.length > 0) this.#remember(resource, plan.add);
    if (plan.pending.length > 0) this.#onPart(group.study, pendingMs);
    const { isOvertaken } = await writeRecord(this.#orthanc, resource, content, plan, (labels) => ({
      version: 1,
      ...next,
      labels,
      ...dismissedIn(known),
    }));
    return isOvertaken;
  }

  /** What to do to the labels of a group, and what its record will say in the end. */
  #planOf(
    group: Group,
    known: GroupRecord | undefined,
    came: readonly string[],
    planned: typeof planLabels,
  ): LabelPlan & { next: Omit<GroupRecord, 'version'> } {
    const { content, instances } = group;
    const { prefix } = this.#names;
    const { wanted, ...counts } = aggregate(group.records, this.#names);
    const given = prefixed(prefix, wanted);
    const proposal = prefix + stateLabels.categoryProposed;
    const ours = this.#oursOf(group, known?.labels ?? [], came, [...given, proposal]);
    const now = { ...counts, ...dismissedIn(known), labels: ours };
    const isProposed =
      instances !== undefined && proposedCategories(content, instances, this.#names, now).length > 0;
    const plan = planned(content.Labels, ours, isProposed ? [...given, proposal] : given);
    return { ...plan, next: { ...counts, labels: [...plan.owned, ...plan.pending].sort() } };
  }

  #remember(resource: ResourcePath, labels: readonly string[]): void {
    this.#added.set(resource, new Set([...(this.#added.get(resource) ?? []), ...labels]));
    for (const oldest of this.#added.keys()) {
      if (this.#added.size <= mostRemembered) break;
      this.#added.delete(oldest);
    }
  }

  /** The labels that count as ours. */
  #oursOf(
    { resource, content }: Group,
    noted: readonly string[],
    came: readonly string[],
    wanted: readonly string[],
  ): string[] {
    const added = [...(this.#added.get(resource) ?? [])].filter((label) => content.Labels.includes(label));
    return [...new Set([...noted, ...added, ...came.filter((label) => wanted.includes(label))])];
  }
}

const recordOfGroup = ({ content }: Group): GroupRecord | undefined =>
  readRecord(groupRecord, content.Metadata[metadataNames.record]);

const dismissedIn = (known: GroupRecord | undefined): Pick<GroupRecord, 'dismissed'> =>
  known?.dismissed === undefined ? {} : { dismissed: known.dismissed };

/** Adds up decided instances. The same instances give the same result in any order. */
export function aggregate(
  records: readonly InstanceRecord[],
  labelling: Labelling = {},
): Pick<GroupRecord, 'categories' | 'decisions'> & { wanted: string[] } {
  const categories: Record<string, number> = {};
  const decisions: Record<string, number> = {};
  const wanted = new Set<string>();
  for (const record of records) {
    decisions[record.decision] = (decisions[record.decision] ?? 0) + 1;
    if (record.category !== undefined) categories[record.category] = (categories[record.category] ?? 0) + 1;
    for (const label of labelsOf(record, labelling)) wanted.add(label);
  }
  return { categories: sorted(categories), decisions: sorted(decisions), wanted: [...wanted].sort() };
}

const sorted = (counts: Record<string, number>) =>
  Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
