import { fail } from '../errors.js';
import type { InstanceId, ResourcePath, StudyId } from '../orthanc/ids.js';
import type { Orthanc, StudyTree } from '../orthanc/orthanc.js';
import type { InstanceContent, Said } from '../orthanc/resources.js';
import { Turns } from '../turns.js';
import { Coalescing } from './coalesce.js';
import { addUp, labelsOf, planLabels } from './labels.js';
import type { OrderCheck } from './order/check.js';
import { asksAnew, recordOf, requestOf } from './read.js';
import {
  type GroupRecord,
  groupRecord,
  type InstanceRecord,
  instanceRecord,
  metadataNames,
  type OrderRecord,
  readRecord,
  unknownCategory,
} from './schema.js';
import { saidByOthers } from './tags/schema.js';

/** A decision, before it is compared with what was ordered and it is known which labels are put there for it. */
export type Decided = Omit<InstanceRecord, 'labels' | 'version' | 'order'>;

/** A decision that now stands in Orthanc, and the one that it replaced. */
export interface Recorded {
  instance: InstanceId;
  study: StudyId;
  record: InstanceRecord;
  previous: InstanceRecord | undefined;
}

interface Labelled {
  Labels: string[];
  Metadata: Record<string, string>;
}

interface Written {
  text: string | undefined;
  labels: string[];
}

/** A series or a study with the records of its instances. */
interface Group {
  resource: ResourcePath;
  content: Labelled;
  records: InstanceRecord[];
}

function groupsOf(tree: StudyTree): Group[] {
  const children = tree.instances.flatMap((instance) => {
    const record = readRecord(instanceRecord, instance.Metadata[metadataNames.record]);
    return record === undefined ? [] : [{ series: instance.ParentSeries, record }];
  });
  const series = tree.series.map((content) => ({
    resource: `series/${content.ID}` as const,
    content,
    records: children.filter((child) => child.series === content.ID).map((child) => child.record),
  }));
  const records = children.map((child) => child.record);
  return [...series, { resource: `studies/${tree.study.ID}`, content: tree.study, records }];
}

/**
 * Writes decisions into Orthanc. The order makes a crash at any point mendable by running it again:
 * the record goes before the labels it owns, so no label of ours is ever taken for somebody else's;
 * `RadiographCategory` goes last, so its presence says that all three levels are done.
 */
export class Recorder {
  readonly #orthanc: Orthanc;
  readonly #prefix: string;
  readonly #orders: OrderCheck | undefined;
  readonly #studies = new Coalescing<StudyId>();
  readonly #turns = new Turns<InstanceId>();
  readonly #told: (recorded: Recorded) => void;

  /**
   * @param orders without one, decisions are not compared with what was ordered
   * @param told hears of each decision once it stands on all levels
   */
  constructor(
    orthanc: Orthanc,
    labelPrefix: string,
    orders?: OrderCheck,
    told: (recorded: Recorded) => void = () => undefined,
  ) {
    this.#orthanc = orthanc;
    this.#prefix = labelPrefix;
    this.#orders = orders;
    this.#told = told;
  }

  /**
   * Records a network's decision, unless a person has decided while it was made: theirs is the newer word.
   * @param instance as read at the start of the job
   * @param said what DICOM says was meant, where it was read already
   * @returns whether it was recorded
   * @throws instance_gone, orthanc_…
   */
  async record(instance: InstanceContent, decided: Decided, said?: readonly Said[]): Promise<boolean> {
    return this.#turns.run(instance.ID, async () => {
      const stands = await this.#read(instance.ID);
      const isNews = stands.Metadata[metadataNames.record] !== instance.Metadata[metadataNames.record];
      const record = recordOf(stands)?.record;
      if (isNews && record?.who === 'person') {
        const request = requestOf(stands);
        // One that came after their word is for another job to answer.
        if (request === undefined || !asksAnew(request, record)) await this.dropRequest(stands);
        return false;
      }
      await this.#record(stands, decided, said);
      return true;
    });
  }

  /**
   * Replaces a decision by what a person makes of it. No other decision is written in between.
   * @param next may throw: nothing is written then
   * @throws instance_gone, instance_undecided, orthanc_…
   */
  async replace(id: InstanceId, next: (stands: InstanceRecord) => Decided): Promise<Recorded> {
    return this.#turns.run(id, async () => {
      const stands = await this.#read(id);
      const known = recordOf(stands);
      if (known === undefined) throw fail('instance_undecided', { instance: id });
      return this.#record(stands, next(known.record));
    });
  }

  /** Nothing is recorded of this instance meanwhile. */
  exclusively<T>(id: InstanceId, task: () => Promise<T>): Promise<T> {
    return this.#turns.run(id, task);
  }

  /** Ends what a crash left half-written of a person's decision. @throws instance_gone, orthanc_… */
  async finish(id: InstanceId): Promise<void> {
    await this.#turns.run(id, async () => {
      const stands = await this.#read(id);
      const known = recordOf(stands);
      if (known === undefined || known.complete) return;
      const { version: _, labels: __, order: ___, ...decided } = known.record;
      await this.#record(stands, decided);
    });
  }

  async #read(id: InstanceId): Promise<InstanceContent> {
    const [instance] = await this.#orthanc.instances([id]);
    if (instance === undefined) throw fail('instance_gone', { instance: id });
    return instance;
  }

  async #record(instance: InstanceContent, given: Decided, said?: readonly Said[]): Promise<Recorded> {
    const order = await this.#compare(instance, given, said);
    const decided = { ...given, ...(order === undefined ? {} : { order }) };
    const resource: ResourcePath = `instances/${instance.ID}`;
    if (instance.Metadata[metadataNames.category] !== undefined)
      await this.#orthanc.deleteMetadata(resource, metadataNames.category);
    const previous = readRecord(instanceRecord, instance.Metadata[metadataNames.record]);
    const { labels } = await this.#write(
      resource,
      instance,
      previous?.labels ?? [],
      this.#prefixed(labelsOf(decided)),
      (owned) => ({ version: 1, ...decided, labels: owned }),
    );
    const study = await this.#orthanc.studyOf(instance.ID);
    await this.addUpStudy(study);
    await this.#orthanc.putMetadata(resource, metadataNames.category, decided.category ?? unknownCategory);
    await this.dropRequest(instance);
    const record: InstanceRecord = { version: 1, ...decided, labels };
    const recorded = { instance: instance.ID, study, record, previous };
    this.#told(recorded);
    return recorded;
  }

  /** @returns undefined where there is nothing to compare */
  async #compare(
    instance: InstanceContent,
    decided: Pick<InstanceRecord, 'decision' | 'category'>,
    said: readonly Said[] | undefined,
  ): Promise<OrderRecord | undefined> {
    if (this.#orders === undefined || decided.decision === 'failed') return undefined;
    const all = said ?? (await this.#orthanc.describe(instance.ID)).said;
    return this.#orders.check(decided, saidByOthers(all, instance));
  }

  /** The request has been answered. */
  async dropRequest(instance: InstanceContent): Promise<void> {
    if (requestOf(instance) !== undefined)
      await this.#orthanc.deleteMetadata(`instances/${instance.ID}`, metadataNames.request);
  }

  /** Brings series and study in step with their instances as they stand in Orthanc now. */
  addUpStudy(id: StudyId): Promise<void> {
    return this.#studies.run(id, () => this.#addUp(id));
  }

  /** Whether a study and its series say what their instances add up to. */
  isInStep(tree: StudyTree): boolean {
    return groupsOf(tree).every((group) => this.#isInStep(group));
  }

  /**
   * Another service may be at the same study, started by mistake. Orthanc has no transactions, so what was read is
   * looked at once more before it is written upon, and what was written afterwards: whoever finds the other's hand
   * in it adds up anew, and remembers which labels it has put there itself.
   */
  async #addUp(id: StudyId): Promise<void> {
    const claims = new Map<ResourcePath, string[]>();
    for (let round = 0; round < 8; round++) {
      const tree = await this.#orthanc.studyTree(id);
      if (tree === undefined) return; // deleted meanwhile: nothing is left to label
      let disturbed = false;
      for (const group of groupsOf(tree)) {
        const mine = claims.get(group.resource) ?? [];
        if (this.#isInStep(group, mine)) continue;
        const { resource, content } = group;
        const stands = () => this.#orthanc.metadata(resource, metadataNames.record);
        disturbed ||= (await stands()) !== content.Metadata[metadataNames.record];
        if (disturbed) break;
        const written = await this.#writeGroup(group, mine);
        claims.set(resource, written.labels);
        disturbed ||= (await stands()) !== written.text;
      }
      if (!disturbed) return;
    }
    throw fail('orthanc_conflict', { what: `study ${id}` });
  }

  #isInStep({ content, records }: Group, mine: string[] = []): boolean {
    const known = readRecord(groupRecord, content.Metadata[metadataNames.record]);
    if (known === undefined) return records.length === 0;
    const { wanted, ...counts } = addUp(records);
    const plan = planLabels(content.Labels, [...known.labels, ...mine], this.#prefixed(wanted));
    const { categories, decisions, labels } = known;
    return (
      plan.add.length === 0 &&
      plan.remove.length === 0 &&
      JSON.stringify({ ...counts, labels: plan.owned }) === JSON.stringify({ categories, decisions, labels })
    );
  }

  async #writeGroup({ resource, content, records }: Group, mine: string[]): Promise<Written> {
    const known = readRecord(groupRecord, content.Metadata[metadataNames.record]);
    const { categories, decisions, wanted } = addUp(records);
    const ours = [...(known?.labels ?? []), ...mine];
    return this.#write(resource, content, ours, this.#prefixed(wanted), (labels) => ({
      version: 1,
      categories,
      decisions,
      labels,
    }));
  }

  /** Record and labels of one resource. Writes nothing that stands there already. */
  async #write(
    resource: ResourcePath,
    content: Labelled,
    ours: string[],
    wanted: string[],
    record: (labels: string[]) => InstanceRecord | GroupRecord,
  ): Promise<Written> {
    const plan = planLabels(content.Labels, ours, wanted);
    let text = content.Metadata[metadataNames.record];
    const put = async (labels: string[]) => {
      const next = JSON.stringify(record(labels));
      if (next !== text) await this.#orthanc.putMetadata(resource, metadataNames.record, next);
      text = next;
    };
    // What is to be removed is still ours until it is gone.
    await put([...new Set([...plan.owned, ...plan.remove])].sort());
    for (const label of plan.add) await this.#orthanc.putLabel(resource, label);
    for (const label of plan.remove) await this.#orthanc.deleteLabel(resource, label);
    await put(plan.owned);
    return { text, labels: plan.owned };
  }

  #prefixed(labels: string[]): string[] {
    return labels.map((label) => this.#prefix + label);
  }
}
