import { planLabels } from '../../decisions/labels.js';
import { applyOwnedLabels, type LabelledResource } from '../../decisions/owned-labels.js';
import { metadataNames, readRecord } from '../../decisions/schema.js';
import { hasPartOfOtherVersion } from '../../decisions/versions.js';
import type { ResourcePath, StudyId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { Locks } from '../../store/locks.js';
import { groupRoutes, routesOf } from './routes-record.js';

/**
 * The labels of rules on series and studies: each carries the union of its instances' labels. Labels of others are never
 * changed. Labels of Plainview are removed when no instance needs them.
 */
export class GroupLabels {
  readonly #orthanc: Orthanc;
  readonly #locks: Locks;

  constructor(orthanc: Orthanc, locks: Locks) {
    this.#orthanc = orthanc;
    this.#locks = locks;
  }

  /** Updates the labels of a study and its series from the records of their instances. */
  aggregate(study: StudyId): Promise<void> {
    return this.#locks.shared('study route labels', study, async () => {
      const tree = await this.#orthanc.hierarchy.tree(study);
      if (tree === undefined || hasPartOfOtherVersion(tree)) return; // deleted meanwhile, or not ours to write
      const wanted = tree.instances.map((instance) => ({
        series: instance.ParentSeries,
        labels: routesOf(instance)?.wanted ?? [],
      }));
      for (const series of tree.series)
        await this.#write(
          `series/${series.ID}`,
          series,
          wanted.filter((each) => each.series === series.ID).flatMap(({ labels }) => labels),
        );
      await this.#write(
        `studies/${tree.study.ID}`,
        tree.study,
        wanted.flatMap(({ labels }) => labels),
      );
    });
  }

  async #write(resource: ResourcePath, content: LabelledResource, labels: readonly string[]): Promise<void> {
    const known = readRecord(groupRoutes, content.Metadata[metadataNames.routes])?.labels ?? [];
    const plan = planLabels(content.Labels, known, [...new Set(labels)].sort());
    if (plan.add.length === 0 && plan.remove.length === 0) return;
    await applyOwnedLabels(this.#orthanc, resource, plan, (owned) =>
      this.#orthanc.metadata.put(
        resource,
        metadataNames.routes,
        JSON.stringify({ version: 1, labels: owned }),
      ),
    );
  }
}
