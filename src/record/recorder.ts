import { fail } from '../errors.js';
import type { InstanceId, ResourcePath, StudyId } from '../orthanc/ids.js';
import type { Orthanc, StudyTree } from '../orthanc/orthanc.js';
import type { InstanceContent, Said } from '../orthanc/resources.js';
import { Coalescing } from './coalesce.js';
import { addUp, labelsOf, planLabels } from './labels.js';
import type { OrderCheck } from './order/check.js';
import {
  type GroupRecord,
  groupRecord,
  type InstanceRecord,
  instanceRecord,
  metadataNames,
  type OrderRecord,
  type ReclassifyRequest,
  readRecord,
  reclassifyRequest,
  unknownCategory,
} from './schema.js';

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

/** The record of an instance, and whether it was written to its end (labels on all levels). */
export function recordOf(
  instance: InstanceContent,
): { record: InstanceRecord; complete: boolean } | undefined {
  const record = readRecord(instanceRecord, instance.Metadata[metadataNames.record]);
  if (record === undefined) return undefined;
  return {
    record,
    complete: instance.Metadata[metadataNames.category] === (record.category ?? unknownCategory),
  };
}

/** What is asked of an instance; a text that is no JSON asks for the plain thing, as a button of Orthanc's writes it. */
export function requestOf(instance: InstanceContent): ReclassifyRequest | undefined {
  const text = instance.Metadata[metadataNames.request];
  return text === undefined
    ? undefined
    : (readRecord(reclassifyRequest, text) ?? reclassifyRequest.parse({}));
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

  /** @param orders without one, decisions are not compared with what was ordered */
  constructor(orthanc: Orthanc, labelPrefix: string, orders?: OrderCheck) {
    this.#orthanc = orthanc;
    this.#prefix = labelPrefix;
    this.#orders = orders;
  }

  /**
   * @param instance as read at the start of the job
   * @param said what DICOM says was meant, where it was read already
   */
  async record(
    instance: InstanceContent,
    given: Omit<InstanceRecord, 'labels' | 'version' | 'order'>,
    said?: readonly Said[],
  ): Promise<void> {
    const order = await this.#compare(instance.ID, given, said);
    const decided = { ...given, ...(order === undefined ? {} : { order }) };
    const resource: ResourcePath = `instances/${instance.ID}`;
    if (instance.Metadata[metadataNames.category] !== undefined)
      await this.#orthanc.deleteMetadata(resource, metadataNames.category);
    const ours = readRecord(instanceRecord, instance.Metadata[metadataNames.record])?.labels ?? [];
    await this.#write(resource, instance, ours, this.#prefixed(labelsOf(decided)), (labels) => ({
      version: 1,
      ...decided,
      labels,
    }));
    await this.addUpStudy(await this.#orthanc.studyOf(instance.ID));
    await this.#orthanc.putMetadata(resource, metadataNames.category, decided.category ?? unknownCategory);
    await this.dropRequest(instance);
  }

  /** @returns undefined where there is nothing to compare */
  async #compare(
    id: InstanceId,
    decided: Pick<InstanceRecord, 'decision' | 'category'>,
    said: readonly Said[] | undefined,
  ): Promise<OrderRecord | undefined> {
    if (this.#orders === undefined || decided.decision === 'failed') return undefined;
    return this.#orders.check(decided, said ?? (await this.#orthanc.describe(id)).said);
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
