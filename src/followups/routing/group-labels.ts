import { SingleFlight } from '../../async/single-flight.js';
import { planLabels } from '../../decisions/labels.js';
import { metadataNames, readRecord } from '../../decisions/schema.js';
import type { ResourcePath, StudyId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import { groupRoutes, routesOf } from './routes-record.js';

interface Labelled {
  Labels: string[];
  Metadata: Record<string, string>;
}

/**
 * The labels that rules ask for, on the series and studies of what they are asked for: a study carries the union of
 * its instances'. Labels of others are never touched; its own are removed when no decision asks for them any more.
 */
export class GroupLabels {
  readonly #orthanc: Orthanc;
  readonly #studies = new SingleFlight<StudyId>();

  constructor(orthanc: Orthanc) {
    this.#orthanc = orthanc;
  }

  /** Brings series and study in step with what stands noted on their instances now. */
  aggregate(study: StudyId): Promise<void> {
    return this.#studies.run(study, async () => {
      const tree = await this.#orthanc.studyTree(study);
      if (tree === undefined) return; // deleted meanwhile
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

  async #write(resource: ResourcePath, content: Labelled, labels: readonly string[]): Promise<void> {
    const known = readRecord(groupRoutes, content.Metadata[metadataNames.routes])?.labels ?? [];
    const plan = planLabels(content.Labels, known, [...new Set(labels)].sort());
    const put = async (owned: readonly string[]) => {
      const next = { version: 1, labels: [...new Set(owned)].sort() };
      await this.#orthanc.putMetadata(resource, metadataNames.routes, JSON.stringify(next));
    };
    if (plan.add.length === 0 && plan.remove.length === 0) return;
    // Noted as ours before it is put there, and until it is gone.
    await put([...plan.owned, ...plan.remove]);
    for (const label of plan.add) await this.#orthanc.putLabel(resource, label);
    for (const label of plan.remove) await this.#orthanc.deleteLabel(resource, label);
    if (plan.remove.length > 0) await put(plan.owned);
  }
}
