import { recordOf } from '../../decisions/read.js';
import { metadataNames } from '../../decisions/schema.js';
import { pictureOf } from '../../decisions/tags-record.js';
import type { InstanceId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { IdentifiedInstance, InstanceContent } from '../../orthanc/resources.js';
import type { Locks } from '../../store/locks.js';
import {
  dropOldest,
  type InstanceRoutes,
  isFailedRoute,
  isPendingRoute,
  type Route,
  routeLabels,
  routesOf,
  type StudyRoute,
} from './routes-record.js';

/** A pending route, with the resource that it sends. */
export interface Due<Resource extends { ID: string }, R extends StudyRoute> {
  resource: Resource;
  route: R;
  /** Whether the record of the resource has an earlier route that was sent to the same destination. */
  sentBefore: boolean;
}
export type DueRoute = Due<InstanceContent, Route>;

export type RouteResult = { state: 'sent' | 'failed' | 'skipped'; why?: string };

/**
 * The record of pending and ended routes, in Orthanc's metadata `RadiographRoutes`. An instance with a pending route
 * carries the label `route_pending`. The label is added before the route is recorded, and removed after the route has
 * ended. So a service that is killed at any moment finds all pending routes again.
 */
export class Ledger {
  readonly #orthanc: Orthanc;
  readonly #prefix: string;
  readonly #locks: Locks;

  constructor(orthanc: Orthanc, labelPrefix: string, locks: Locks) {
    this.#orthanc = orthanc;
    this.#prefix = labelPrefix;
    this.#locks = locks;
  }

  /** The label of instances with a pending route. */
  get pendingLabel(): string {
    return this.#prefix + routeLabels.pending;
  }

  /** Runs a task while no other task of this process writes to the instance. */
  exclusive<T>(id: InstanceId, task: () => Promise<T>): Promise<T> {
    return this.#locks.exclusive('instance', id, task);
  }

  /**
   * The pending routes of these instances to one destination, in the same order. Deleted instances, and routes of a
   * decision that was replaced, are left out.
   */
  async due(ids: readonly InstanceId[], to: string): Promise<DueRoute[]> {
    const found = new Map(
      (await this.#orthanc.hierarchy.instances(ids)).map((instance) => [instance.ID, instance]),
    );
    // An instance whose file is being replaced has no metadata for a moment. So it is read again while it is locked.
    const readLocked = (id: InstanceId) =>
      this.exclusive(id, async () => dueOf((await this.#orthanc.hierarchy.instances([id]))[0], to));
    const due = await Promise.all(ids.map((id) => dueOf(found.get(id), to) ?? readLocked(id)));
    return due.filter((each) => each !== undefined);
  }

  /** Records the result of a route. A route that was sent counts as sent even if another decision has replaced it. */
  end(id: InstanceId, { to, of }: Route, { state, why }: RouteResult): Promise<void> {
    return this.update(id, (known) => {
      const ended = new Date().toISOString();
      const is = (each: Route, ...states: Route['state'][]) =>
        each.to === to && each.of === of && states.includes(each.state);
      const one =
        known.routes.find((each) => is(each, 'pending')) ??
        (state === 'sent' ? known.routes.findLast((each) => is(each, 'skipped')) : undefined);
      const routes = known.routes.map((each) =>
        each === one ? { ...each, state, ended, ...(why === undefined ? {} : { why }) } : each,
      );
      return { ...known, routes };
    });
  }

  /**
   * Makes the failed routes of the current decision pending again.
   * @param isSelected selects the destinations
   * @returns the destinations of these routes
   */
  async retry(id: InstanceId, isSelected: (to: string) => boolean): Promise<string[]> {
    const retried: string[] = [];
    await this.update(id, (known) => {
      const isFailed = isFailedRoute(known);
      const routes = known.routes.map((each): Route => {
        if (!isFailed(each) || !isSelected(each.to)) return each;
        retried.push(each.to);
        const { ended: _, why: __, ...open } = each;
        return { ...open, state: 'pending' };
      });
      return retried.length > 0 ? { ...known, routes } : undefined;
    });
    return retried;
  }

  /** Changes the routes of an instance. Writes nothing where it is deleted, has no routes, or `change` gives undefined. */
  update(id: InstanceId, change: (known: InstanceRoutes) => InstanceRoutes | undefined): Promise<void> {
    return this.exclusive(id, async () => {
      const [instance] = await this.#orthanc.hierarchy.instances([id]);
      const known = instance && routesOf(instance);
      const next = known && change(known);
      if (instance !== undefined && next !== undefined) await this.write(instance, next);
    });
  }

  /** Writes the routes and the labels of their states. */
  async write(instance: IdentifiedInstance, next: InstanceRoutes): Promise<void> {
    const resource = `instances/${instance.ID}` as const;
    const states = this.#states(instance, next);
    for (const label of states)
      if (label.wanted && !label.isPresent) await this.#orthanc.labels.add(resource, label.name);
    await this.note(instance, next);
    for (const label of states)
      if (label.isPresent && !label.wanted) await this.#orthanc.labels.remove(resource, label.name);
  }

  /** Whether an instance has the labels of the states of its routes. */
  isMarked(instance: InstanceContent, routes: InstanceRoutes): boolean {
    return this.#states(instance, routes).every(({ isPresent, wanted }) => isPresent === wanted);
  }

  #states(instance: InstanceContent, routes: InstanceRoutes) {
    return (['pending', 'failed'] as const).map((label) => ({
      name: this.#prefix + routeLabels[label],
      isPresent: instance.Labels.includes(this.#prefix + routeLabels[label]),
      wanted: routes.routes.some(label === 'failed' ? isFailedRoute(routes) : isPendingRoute),
    }));
  }

  /** Writes the routes alone, where their state has not changed yet. */
  async note(instance: IdentifiedInstance, next: InstanceRoutes): Promise<void> {
    const text = JSON.stringify({ ...next, picture: pictureOf(instance), routes: dropOldest(next.routes) });
    if (text !== instance.Metadata[metadataNames.routes])
      await this.#orthanc.metadata.put(`instances/${instance.ID}`, metadataNames.routes, text);
  }
}

function dueOf(instance: IdentifiedInstance | undefined, to: string): DueRoute | undefined {
  const { routes = [] } = (instance && routesOf(instance)) ?? {};
  const of = instance && recordOf(instance)?.record.when;
  const route = routes.find((each) => each.to === to && each.state === 'pending' && each.of === of);
  const sentBefore = routes.some((each) => each.to === to && each.state === 'sent');
  return instance && route && { resource: instance, route, sentBefore };
}
