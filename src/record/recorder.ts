import type { ResourcePath, StudyId } from '../orthanc/ids.js';
import type { Orthanc, StudyTree } from '../orthanc/orthanc.js';
import type { InstanceContent } from '../orthanc/resources.js';
import { Coalescing } from './coalesce.js';
import { addUp, labelsOf, planLabels } from './labels.js';
import {
  type GroupRecord,
  groupRecord,
  type InstanceRecord,
  instanceRecord,
  metadataNames,
  type ReclassifyRequest,
  readRecord,
  reclassifyRequest,
  unknownCategory,
} from './schema.js';

interface Labelled {
  Labels: string[];
  Metadata: Record<string, string>;
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
  readonly #studies = new Coalescing<StudyId>();

  constructor(orthanc: Orthanc, labelPrefix: string) {
    this.#orthanc = orthanc;
    this.#prefix = labelPrefix;
  }

  /** @param instance as read at the start of the job */
  async record(
    instance: InstanceContent,
    decided: Omit<InstanceRecord, 'labels' | 'version'>,
  ): Promise<void> {
    const resource: ResourcePath = `instances/${instance.ID}`;
    if (instance.Metadata[metadataNames.category] !== undefined)
      await this.#orthanc.deleteMetadata(resource, metadataNames.category);
    const before = readRecord(instanceRecord, instance.Metadata[metadataNames.record]);
    await this.#write(resource, instance, before, this.#prefixed(labelsOf(decided)), (labels) => ({
      version: 1,
      ...decided,
      labels,
    }));
    await this.addUpStudy(await this.#orthanc.studyOf(instance.ID));
    await this.#orthanc.putMetadata(resource, metadataNames.category, decided.category ?? unknownCategory);
    await this.dropRequest(instance);
  }

  /** The request has been answered. */
  async dropRequest(instance: InstanceContent): Promise<void> {
    if (requestOf(instance) !== undefined)
      await this.#orthanc.deleteMetadata(`instances/${instance.ID}`, metadataNames.request);
  }

  /** Brings series and study in step with their instances as they stand in Orthanc now. */
  addUpStudy(id: StudyId): Promise<void> {
    return this.#studies.run(id, async () => {
      const tree = await this.#orthanc.studyTree(id);
      if (tree === undefined) return; // deleted meanwhile: nothing is left to label
      for (const group of groupsOf(tree)) await this.#writeGroup(group);
    });
  }

  /** Whether a study and its series say what their instances add up to. */
  isInStep(tree: StudyTree): boolean {
    return groupsOf(tree).every(({ content, records }) => {
      const known = readRecord(groupRecord, content.Metadata[metadataNames.record]);
      if (known === undefined) return records.length === 0;
      const { wanted, ...counts } = addUp(records);
      const plan = planLabels(content.Labels, known.labels, this.#prefixed(wanted));
      return (
        plan.add.length === 0 &&
        plan.remove.length === 0 &&
        JSON.stringify(counts) ===
          JSON.stringify({ categories: known.categories, decisions: known.decisions })
      );
    });
  }

  async #writeGroup({ resource, content, records }: Group): Promise<void> {
    const before = readRecord(groupRecord, content.Metadata[metadataNames.record]);
    if (before === undefined && records.length === 0) return;
    const { categories, decisions, wanted } = addUp(records);
    await this.#write(resource, content, before, this.#prefixed(wanted), (labels) => ({
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
    before: InstanceRecord | GroupRecord | undefined,
    wanted: string[],
    record: (labels: string[]) => InstanceRecord | GroupRecord,
  ): Promise<void> {
    const plan = planLabels(content.Labels, before?.labels ?? [], wanted);
    let written = content.Metadata[metadataNames.record];
    const put = async (labels: string[]) => {
      const text = JSON.stringify(record(labels));
      if (text !== written) await this.#orthanc.putMetadata(resource, metadataNames.record, text);
      written = text;
    };
    // What is to be removed is still ours until it is gone.
    await put([...new Set([...plan.owned, ...plan.remove])].sort());
    for (const label of plan.add) await this.#orthanc.putLabel(resource, label);
    for (const label of plan.remove) await this.#orthanc.deleteLabel(resource, label);
    await put(plan.owned);
  }

  #prefixed(labels: string[]): string[] {
    return labels.map((label) => this.#prefix + label);
  }
}
