import { recordOf } from '../../decisions/read.js';
import { metadataNames } from '../../decisions/schema.js';
import type { InstanceId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { InstanceContent } from '../../orthanc/resources.js';
import type { Locks } from '../../store/locks.js';
import {
  bounded,
  type InstanceRoutes,
  isGivenUp,
  type Route,
  routeLabels,
  routesOf,
} from './routes-record.js';

/** Something that is to be sent now. */
export interface Due {
  instance: InstanceContent;
  route: Route;
  /** Whether the same instance, as Orthanc has it now, was sent there before. */
  sentBefore: boolean;
}

export type Ending = { state: 'sent' | 'failed' | 'skipped'; why?: string };

/**
 * What is to be sent and what has been, kept in Orthanc's metadata `RadiographRoutes`. An instance with something to
 * be sent carries the label `route_pending`, put there before it is noted and taken away after, so that a service
 * killed at any moment finds all of it again.
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

  /** The label by which what is pending is found. */
  get pendingLabel(): string {
    return this.#prefix + routeLabels.pending;
  }

  /** Nothing else is written to this instance meanwhile. */
  exclusive<T>(id: InstanceId, task: () => Promise<T>): Promise<T> {
    return this.#locks.exclusive('instance', id, task);
  }

  /** Of these instances, what is to be sent to that place now, in the same order. What is gone or decided anew is not. */
  async due(ids: readonly InstanceId[], to: string): Promise<Due[]> {
    const found = new Map(
      (await this.#orthanc.hierarchy.instances(ids)).map((instance) => [instance.ID, instance]),
    );
    // One that is just being stored anew lacks its metadata for a moment: only in its turn is it surely not due.
    const again = (id: InstanceId) =>
      this.exclusive(id, async () => dueOf((await this.#orthanc.hierarchy.instances([id]))[0], to));
    const due = await Promise.all(ids.map((id) => dueOf(found.get(id), to) ?? again(id)));
    return due.filter((each) => each !== undefined);
  }

  /** Notes how the sending of something ended: also what arrived though another decision had replaced it meanwhile. */
  end(id: InstanceId, { to, of }: Route, { state, why }: Ending): Promise<void> {
    return this.rewrite(id, (known) => {
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
   * Makes what was given up pending once more, for the decision that stands.
   * @param isMeant says of a place whether it is tried again
   * @returns where to
   */
  async retry(id: InstanceId, isMeant: (to: string) => boolean): Promise<string[]> {
    const again: string[] = [];
    await this.rewrite(id, (known) => {
      const isFailed = isGivenUp(known);
      const routes = known.routes.map((each): Route => {
        if (!isFailed(each) || !isMeant(each.to)) return each;
        again.push(each.to);
        const { ended: _, why: __, ...asked } = each;
        return { ...asked, state: 'pending' };
      });
      return again.length > 0 ? { ...known, routes } : undefined;
    });
    return again;
  }

  /** Writes what becomes of an instance's routes; nothing where it is gone, has none, or `change` gives none. */
  rewrite(id: InstanceId, change: (known: InstanceRoutes) => InstanceRoutes | undefined): Promise<void> {
    return this.exclusive(id, async () => {
      const [instance] = await this.#orthanc.hierarchy.instances([id]);
      const known = instance && routesOf(instance);
      const next = known && change(known);
      if (instance !== undefined && next !== undefined) await this.write(instance, next);
    });
  }

  /** Writes the routes, and the labels that tell of their state. */
  async write(instance: InstanceContent, next: InstanceRoutes): Promise<void> {
    const resource = `instances/${instance.ID}` as const;
    const state = (label: keyof typeof routeLabels) => ({
      name: this.#prefix + routeLabels[label],
      stands: instance.Labels.includes(this.#prefix + routeLabels[label]),
      wanted: next.routes.some(label === 'failed' ? isGivenUp(next) : isPending),
    });
    const [pending, failed] = [state('pending'), state('failed')];
    for (const label of [pending, failed])
      if (label.wanted && !label.stands) await this.#orthanc.labels.add(resource, label.name);
    await this.note(instance, next);
    for (const label of [pending, failed])
      if (label.stands && !label.wanted) await this.#orthanc.labels.remove(resource, label.name);
  }

  /** Writes the routes alone, where their state has not changed yet. */
  async note(instance: InstanceContent, next: InstanceRoutes): Promise<void> {
    const text = JSON.stringify({ ...next, routes: bounded(next.routes) });
    if (text !== instance.Metadata[metadataNames.routes])
      await this.#orthanc.metadata.put(`instances/${instance.ID}`, metadataNames.routes, text);
  }
}

function dueOf(instance: InstanceContent | undefined, to: string): Due | undefined {
  const { routes = [] } = (instance && routesOf(instance)) ?? {};
  const of = instance && recordOf(instance)?.record.when;
  const route = routes.find((each) => each.to === to && each.state === 'pending' && each.of === of);
  const sentBefore = routes.some((each) => each.to === to && each.state === 'sent');
  return instance && route && { instance, route, sentBefore };
}

const isPending = ({ state }: Route): boolean => state === 'pending';
