import type { InstanceId, ResourcePath, StudyId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { InstanceContent } from '../orthanc/resources.js';
import { Coalescing } from './coalesce.js';
import { addUp, labelsOf, planLabels } from './labels.js';
import {
  type GroupRecord,
  groupRecord,
  type InstanceRecord,
  instanceRecord,
  metadataNames,
  readRecord,
  unknownCategory,
} from './schema.js';

interface Labelled {
  Labels: string[];
  Metadata: Record<string, string>;
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
    await this.addUpStudy(instance.ID);
    await this.#orthanc.putMetadata(resource, metadataNames.category, decided.category ?? unknownCategory);
  }

  /** Brings series and study in step with their instances as they stand in Orthanc now. */
  async addUpStudy(instance: InstanceId): Promise<void> {
    const study = await this.#orthanc.studyOf(instance);
    await this.#studies.run(study, () => this.#addUp(study));
  }

  async #addUp(id: StudyId): Promise<void> {
    const tree = await this.#orthanc.studyTree(id);
    if (tree === undefined) return; // deleted meanwhile: nothing is left to label
    const children = tree.instances.flatMap((instance) => {
      const record = readRecord(instanceRecord, instance.Metadata[metadataNames.record]);
      return record === undefined ? [] : [{ series: instance.ParentSeries, record }];
    });
    for (const series of tree.series) {
      const own = children.filter((child) => child.series === series.ID);
      await this.#writeGroup(
        `series/${series.ID}`,
        series,
        own.map((child) => child.record),
      );
    }
    await this.#writeGroup(
      `studies/${tree.study.ID}`,
      tree.study,
      children.map((child) => child.record),
    );
  }

  async #writeGroup(resource: ResourcePath, content: Labelled, records: InstanceRecord[]): Promise<void> {
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
