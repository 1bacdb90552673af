import type { Derived } from '../../decisions/derived.js';
import { derivedOnce } from '../../decisions/derived-once.js';
import { type LabelPlan, planAllLabels, planLabels } from '../../decisions/labels.js';
import { applyOwnedLabels, type LabelledResource } from '../../decisions/owned-labels.js';
import { metadataNames, readRecord } from '../../decisions/schema.js';
import { type OnPart, type StudyInPart, StudyTrees } from '../../decisions/study-trees.js';
import { hasPartOfOtherVersion } from '../../decisions/versions.js';
import type { InstanceId, ResourcePath, StudyId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { Locks } from '../../store/locks.js';
import { groupRoutes, routesOf } from './routes-record.js';

const wantedIn = derivedOnce((instance: Parameters<typeof routesOf>[0]) => routesOf(instance)?.wanted ?? []);

/**
 * The labels of rules on series and studies: each carries the union of its instances' labels. Labels of others are never
 * changed. Labels of Plainview are removed when no instance needs them.
 */
export class GroupLabels implements Derived {
  readonly name = 'rule_labels';
  readonly #orthanc: Orthanc;
  readonly #locks: Locks;
  readonly #trees: StudyTrees;

  /** @param onPart see `StudyTrees` */
  constructor(orthanc: Orthanc, locks: Locks, onPart: OnPart = () => undefined) {
    this.#orthanc = orthanc;
    this.#locks = locks;
    this.#trees = new StudyTrees(orthanc.hierarchy, onPart);
  }

  /** Like `aggregate`. Also forgets labels that are noted, but that nobody is about to add any more. */
  update(study: StudyId): Promise<void> {
    return this.#aggregate(study, undefined, planAllLabels);
  }

  /**
   * Updates the labels of a study and its series from the records of their instances.
   * @param changed the instance whose record was written; without it, the whole study is read
   */
  aggregate(study: StudyId, changed?: InstanceId): Promise<void> {
    return this.#aggregate(study, changed, planLabels);
  }

  #aggregate(study: StudyId, changed: InstanceId | undefined, planned: typeof planLabels): Promise<void> {
    this.#trees.change(study, changed);
    return this.#locks.shared('study route labels', study, async () => {
      const tree = await this.#trees.read(study, (kept) => this.isUpToDate(kept, planned));
      if (tree === undefined || hasPartOfOtherVersion(tree)) return; // deleted meanwhile, or not ours to write
      for (const { resource, plan } of plansOf(tree, planned).filter(isDue))
        await applyOwnedLabels(this.#orthanc, resource, plan, (owned) =>
          this.#orthanc.metadata.put(
            resource,
            metadataNames.routes,
            JSON.stringify({ version: 1, labels: owned }),
          ),
        );
    });
  }

  /** Whether a study and its series have the labels that their instances ask for, or are not ours to write. */
  isUpToDate(tree: StudyInPart, planned: typeof planLabels = planAllLabels): boolean {
    return hasPartOfOtherVersion(tree) || !plansOf(tree, planned).some(isDue);
  }
}

interface GroupPlan {
  resource: ResourcePath;
  plan: LabelPlan;
  /** The labels that are noted as ours. */
  noted: string[];
}

function plansOf({ study, series, instances }: StudyInPart, planned: typeof planLabels): GroupPlan[] {
  const planOf = (
    resource: ResourcePath,
    { Labels, Metadata }: LabelledResource,
    below: typeof instances,
  ) => {
    const noted = readRecord(groupRoutes, Metadata[metadataNames.routes])?.labels ?? [];
    return { resource, noted, plan: planned(Labels, noted, [...new Set(below.flatMap(wantedIn))].sort()) };
  };
  return [
    ...series.map((each) =>
      planOf(
        `series/${each.ID}`,
        each,
        instances.filter(({ ParentSeries }) => ParentSeries === each.ID),
      ),
    ),
    planOf(`studies/${study.ID}`, study, instances),
  ];
}

/** A label that is noted, but is not to be, is due too: whoever adds it later owns it. */
const isDue = ({ noted, plan: { add, remove, owned, pending } }: GroupPlan): boolean =>
  add.length + remove.length > 0 || noted.join() !== [...owned, ...pending].sort().join();
