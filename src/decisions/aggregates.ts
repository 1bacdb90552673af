import { SingleFlight } from '../async/single-flight.js';
import { createError } from '../errors/errors.js';
import type { ResourcePath, StudyId } from '../orthanc/ids.js';
import type { Orthanc, StudyTree } from '../orthanc/orthanc.js';
import { aggregate, planLabels, prefixed } from './labels.js';
import { type LabelledResource, type WrittenRecord, writeLabelled } from './owned-labels.js';
import { groupRecord, type InstanceRecord, instanceRecord, metadataNames, readRecord } from './schema.js';

/** A series or a study with the records of its instances. */
interface Group {
  resource: ResourcePath;
  content: LabelledResource;
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

/** Series and studies say what their instances add up to. */
export class Aggregates {
  readonly #orthanc: Orthanc;
  readonly #prefix: string;
  readonly #studies = new SingleFlight<StudyId>();

  constructor(orthanc: Orthanc, labelPrefix: string) {
    this.#orthanc = orthanc;
    this.#prefix = labelPrefix;
  }

  /** Brings series and study in step with their instances as they stand in Orthanc now. */
  aggregate(id: StudyId): Promise<void> {
    return this.#studies.run(id, () => this.#addUp(id));
  }

  /** Whether a study and its series say what their instances add up to. */
  isUpToDate(tree: StudyTree): boolean {
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
        const current = () => this.#orthanc.metadata(resource, metadataNames.record);
        disturbed ||= (await current()) !== content.Metadata[metadataNames.record];
        if (disturbed) break;
        const written = await this.#write(group, mine);
        claims.set(resource, written.labels);
        disturbed ||= (await current()) !== written.text;
      }
      if (!disturbed) return;
    }
    throw createError('orthanc_conflict', { what: `study ${id}` });
  }

  #isInStep({ content, records }: Group, mine: string[] = []): boolean {
    const known = readRecord(groupRecord, content.Metadata[metadataNames.record]);
    if (known === undefined) return records.length === 0;
    const { wanted, ...counts } = aggregate(records);
    const plan = planLabels(content.Labels, [...known.labels, ...mine], prefixed(this.#prefix, wanted));
    const { categories, decisions, labels } = known;
    return (
      plan.add.length === 0 &&
      plan.remove.length === 0 &&
      JSON.stringify({ ...counts, labels: plan.owned }) === JSON.stringify({ categories, decisions, labels })
    );
  }

  #write({ resource, content, records }: Group, mine: string[]): Promise<WrittenRecord> {
    const known = readRecord(groupRecord, content.Metadata[metadataNames.record]);
    const { categories, decisions, wanted } = aggregate(records);
    const ours = [...(known?.labels ?? []), ...mine];
    return writeLabelled(
      this.#orthanc,
      resource,
      content,
      ours,
      prefixed(this.#prefix, wanted),
      (labels) => ({
        version: 1,
        categories,
        decisions,
        labels,
      }),
    );
  }
}
