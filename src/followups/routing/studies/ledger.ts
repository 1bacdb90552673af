import type { StudyId } from '../../../orthanc/ids.js';
import type { Orthanc } from '../../../orthanc/orthanc.js';
import type { GroupLabels } from '../group-labels.js';
import type { Due, RouteResult } from '../ledger.js';
import type { RouteLedger } from '../outbox.js';
import { isFailedRoute, isPendingRoute, type StudyRoute, studyRoutesOf } from '../routes-record.js';
import { studyFactsOf } from './facts.js';
import { isSameRoute } from './plan.js';

export type DueStudy = Due<{ ID: StudyId }, StudyRoute>;

interface Parts {
  orthanc: Pick<Orthanc, 'hierarchy'>;
  groupLabels: GroupLabels;
  modalities: readonly string[];
  /** Called where the rules are to be applied again: the pictures of a study have changed, or some are gone. */
  onChanged: (study: StudyId) => Promise<void>;
  /** Called where a study has one more route to the same destination. */
  onPending: (study: StudyId, to: string) => void;
}

/**
 * The record of the pending and ended routes of studies, in Orthanc's metadata `RadiographRoutes` of the study. A study
 * with a pending route carries the label `route_pending`.
 */
export class StudyLedger implements RouteLedger<DueStudy> {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Of each study at most one: several rules can tell one webhook, and each of them can fail alone. None of a study whose
   * pictures are not those to which the rule was applied.
   */
  async due(ids: readonly StudyId[], to: string): Promise<DueStudy[]> {
    const { orthanc, modalities, onChanged } = this.#parts;
    const due: DueStudy[] = [];
    for (const ID of ids) {
      const tree = await orthanc.hierarchy.tree(ID);
      if (tree === undefined) continue;
      const { routes = [] } = studyRoutesOf(tree.study) ?? {};
      const route = routes.find((each) => each.to === to && isPendingRoute(each));
      if (route === undefined) continue;
      if (route.of !== studyFactsOf(tree, modalities).content) {
        await onChanged(ID);
        continue;
      }
      const sentBefore = routes.some((each) => isSameRoute(each, route) && each.state === 'sent');
      due.push({ resource: { ID }, route, sentBefore });
    }
    return due;
  }

  /**
   * Makes the failed routes of the study as it is pending again.
   * @param isSelected selects the destinations
   * @returns the destinations of these routes
   */
  async retry(study: StudyId, isSelected: (to: string) => boolean): Promise<string[]> {
    const retried = new Set<string>();
    await this.#parts.groupLabels.change(study, (known) => {
      if (known === undefined) return undefined;
      const isFailed = isFailedRoute({ of: known.content });
      const routes = known.routes.map((each): StudyRoute => {
        if (!isFailed(each) || !isSelected(each.to)) return each;
        retried.add(each.to);
        const { ended: _, why: __, ...open } = each;
        return { ...open, state: 'pending' };
      });
      return { ...known, routes };
    });
    return [...retried];
  }

  /** A route that was sent counts as sent even if the study has changed meanwhile. */
  async end(study: StudyId, route: StudyRoute, { state, why }: RouteResult): Promise<void> {
    const { groupLabels, onPending } = this.#parts;
    let hasMore = false;
    await groupLabels.change(study, (known) => {
      if (known === undefined) return undefined;
      const is = (each: StudyRoute, in_: StudyRoute['state']) =>
        isSameRoute(each, route) && each.of === route.of && each.state === in_;
      const one =
        known.routes.find((each) => is(each, 'pending')) ??
        (state === 'sent' ? known.routes.findLast((each) => is(each, 'skipped')) : undefined);
      const ended = new Date().toISOString();
      const routes = known.routes.map((each) =>
        each === one ? { ...each, state, ended, ...(why === undefined ? {} : { why }) } : each,
      );
      hasMore = routes.some((each) => each.to === route.to && isPendingRoute(each));
      return { ...known, routes };
    });
    if (hasMore) onPending(study, route.to);
  }
}
