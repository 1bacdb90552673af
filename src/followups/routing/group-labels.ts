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
import {
  groupRoutes,
  isFailedRoute,
  isPendingRoute,
  routeLabels,
  routesOf,
  type StudyRoutes,
  studyRoutesOf,
} from './routes-record.js';

const wantedIn = derivedOnce((instance: Parameters<typeof routesOf>[0]) => routesOf(instance)?.wanted ?? []);

/** @returns what the rules on studies make of a study now; undefined: what they made before */
export type StudyChange = (known: StudyRoutes | undefined) => StudyRoutes | undefined;

/**
 * The labels of rules on series and studies, and the metadata that says which are ours: each carries the union of its
 * instances' labels, and a study those of the rules on studies too. Labels of others are never changed. Labels of
 * Plainview are removed when nothing needs them.
 */
export class GroupLabels implements Derived {
  readonly name = 'rule_labels';
  readonly #orthanc: Orthanc;
  readonly #locks: Locks;
  readonly #trees: StudyTrees;
  readonly #prefix: string;
  readonly #changes = new Map<StudyId, StudyChange[]>();

  /** @param onPart see `StudyTrees` */
  constructor(orthanc: Orthanc, locks: Locks, onPart: OnPart = () => undefined, labelPrefix = '') {
    this.#orthanc = orthanc;
    this.#locks = locks;
    this.#prefix = labelPrefix;
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

  /**
   * Changes what the metadata of a study say of the rules on studies, and updates the labels. The changes are made while no
   * other process writes there. Nothing is changed where the study is deleted, or where another version wrote.
   */
  change(study: StudyId, change: StudyChange): Promise<void> {
    this.#changes.set(study, [...(this.#changes.get(study) ?? []), change]);
    return this.#aggregate(study, undefined, planLabels);
  }

  #aggregate(study: StudyId, changed: InstanceId | undefined, planned: typeof planLabels): Promise<void> {
    this.#trees.change(study, changed);
    return this.#locks.shared('study route labels', study, async () => {
      // Before anything is awaited: a change that comes later belongs to the next run.
      const changes = this.#changes.get(study) ?? [];
      this.#changes.delete(study);
      const tree = await this.#trees.read(study, (kept) => this.isUpToDate(kept, planned));
      if (tree === undefined || hasPartOfOtherVersion(tree)) return; // deleted meanwhile, or not ours to write
      const before = studyRoutesOf(tree.study);
      const next = changes.reduce((known, change) => change(known) ?? known, before);
      const plans = this.#plansOf(tree, planned, next).map((plan) => ({
        ...plan,
        ...('study' in plan ? { isChanged: JSON.stringify(next) !== JSON.stringify(before) } : {}),
      }));
      for (const { resource, plan, study: routes } of plans.filter(isDue))
        await applyOwnedLabels(this.#orthanc, resource, plan, (labels) =>
          this.#orthanc.metadata.put(
            resource,
            metadataNames.routes,
            JSON.stringify({ version: 1, labels, ...(routes === undefined ? {} : { study: routes }) }),
          ),
        );
    });
  }

  /** Whether a study and its series have the labels that their instances ask for, or are not ours to write. */
  isUpToDate(tree: StudyInPart, planned: typeof planLabels = planAllLabels): boolean {
    return (
      hasPartOfOtherVersion(tree) || !this.#plansOf(tree, planned, studyRoutesOf(tree.study)).some(isDue)
    );
  }

  #plansOf(
    { study, series, instances }: StudyInPart,
    planned: typeof planLabels,
    ofStudy: StudyRoutes | undefined,
  ): GroupPlan[] {
    const planOf = (
      resource: ResourcePath,
      { Labels, Metadata }: LabelledResource,
      below: typeof instances,
      more: readonly string[] = [],
    ) => {
      const noted = readRecord(groupRoutes, Metadata[metadataNames.routes])?.labels ?? [];
      const wanted = [...new Set([...below.flatMap(wantedIn), ...more])].sort();
      return { resource, noted, plan: planned(Labels, noted, wanted) };
    };
    return [
      ...series.map((each) =>
        planOf(
          `series/${each.ID}`,
          each,
          instances.filter(({ ParentSeries }) => ParentSeries === each.ID),
        ),
      ),
      {
        ...planOf(`studies/${study.ID}`, study, instances, this.#labelsOf(ofStudy)),
        study: ofStudy,
      },
    ];
  }

  /** The labels that the rules on studies ask for, and those of the states of its routes. */
  #labelsOf(routes: StudyRoutes | undefined): string[] {
    if (routes === undefined) return [];
    const isFailed = isFailedRoute({ of: routes.content });
    return [
      ...routes.wanted,
      ...(routes.routes.some(isPendingRoute) ? [this.#prefix + routeLabels.pending] : []),
      ...(routes.routes.some(isFailed) ? [this.#prefix + routeLabels.failed] : []),
    ];
  }
}

interface GroupPlan {
  resource: ResourcePath;
  plan: LabelPlan;
  /** The labels that are noted as ours. */
  noted: string[];
  /** Of a study, what its metadata will say of the rules on studies. */
  study?: StudyRoutes | undefined;
  isChanged?: boolean;
}

/** A label that is noted, but is not to be, is due too: whoever adds it later owns it. */
const isDue = ({ noted, plan: { add, remove, owned, pending }, isChanged = false }: GroupPlan): boolean =>
  isChanged || add.length + remove.length > 0 || noted.join() !== [...owned, ...pending].sort().join();
