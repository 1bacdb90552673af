import type { Derived } from '../../decisions/derived.js';
import { planLabels } from '../../decisions/labels.js';
import { applyOwnedLabels } from '../../decisions/owned-labels.js';
import { recordOf } from '../../decisions/read.js';
import { hasOtherVersion } from '../../decisions/versions.js';
import type { StudyTree } from '../../orthanc/hierarchy.js';
import type { InstanceId, StudyId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { InstanceContent } from '../../orthanc/resources.js';
import type { Ledger } from './ledger.js';
import { type InstanceRoutes, routesOf } from './routes-record.js';

interface Parts {
  orthanc: Pick<Orthanc, 'hierarchy' | 'labels'>;
  ledger: Ledger;
  /** Called for a pending route that was found without its label: the search at the start had missed it. */
  onPending: (instance: InstanceId, to: string) => void;
}

/** The labels of rules and of the states of routes, on the instances themselves. */
export class InstanceLabels implements Derived {
  readonly name = 'route_labels';
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  isUpToDate({ instances }: StudyTree): boolean {
    return !instances.some((instance) => this.#lacking(instance) !== undefined);
  }

  async update(study: StudyId): Promise<void> {
    const { orthanc, ledger, onPending } = this.#parts;
    const tree = await orthanc.hierarchy.tree(study);
    for (const { ID } of tree?.instances.filter((each) => this.#lacking(each) !== undefined) ?? [])
      await ledger.exclusive(ID, async () => {
        const [instance] = await orthanc.hierarchy.instances([ID]);
        const routes = instance && this.#lacking(instance);
        if (instance === undefined || routes === undefined) return;
        const plan = planLabels(instance.Labels, routes.labels, routes.wanted);
        await applyOwnedLabels(orthanc, `instances/${ID}`, plan, (labels) =>
          ledger.note(instance, { ...routes, labels }),
        );
        const [current] = await orthanc.hierarchy.instances([ID]);
        if (current !== undefined) await ledger.write(current, { ...routes, labels: plan.owned });
        for (const { state, to } of routes.routes) if (state === 'pending') onPending(ID, to);
      });
  }

  /** @returns the routes of an instance that lacks a label of theirs; undefined where it lacks none, or its job writes them */
  #lacking(instance: InstanceContent): InstanceRoutes | undefined {
    const routes = routesOf(instance);
    const known = recordOf(instance);
    if (routes === undefined || known?.complete !== true || routes.of !== known.record.when) return undefined;
    if (hasOtherVersion(instance)) return undefined;
    const { add, remove, owned } = planLabels(instance.Labels, routes.labels, routes.wanted);
    const isAsNoted = add.length + remove.length === 0 && owned.join() === [...routes.labels].sort().join();
    return isAsNoted && this.#parts.ledger.isMarked(instance, routes) ? undefined : routes;
  }
}
