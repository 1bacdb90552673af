import { planLabels } from '../../decisions/labels.js';
import { applyOwnedLabels } from '../../decisions/owned-labels.js';
import { recordOf } from '../../decisions/read.js';
import type { InstanceRecord } from '../../decisions/schema.js';
import type { KnownDestinations } from '../../orthanc/forwarder.js';
import type { InstanceId, StudyId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { IdentifiedInstance, InstanceContent } from '../../orthanc/resources.js';
import type { FollowUp } from '../follow-up.js';
import type { GroupLabels } from './group-labels.js';
import type { Ledger } from './ledger.js';
import { planRoutes, type RoutePlan } from './plan.js';
import { type InstanceRoutes, type Route, routesOf } from './routes-record.js';
import { factsOf, whyExcluded } from './rules/facts.js';
import type { Rules } from './rules/read.js';

interface Parts {
  orthanc: Orthanc;
  rules: Rules;
  ledger: Ledger;
  groupLabels: GroupLabels;
  /** Told what is pending of an instance, and for which destination. */
  onPending: (id: InstanceId, to: string) => void;
  /** Told of the study to which the rules on studies are to be applied, if there are any. */
  markStudy?: ((study: StudyId) => Promise<void>) | undefined;
  known: () => Pick<KnownDestinations, 'aets'>;
  labelPrefix: string;
}

/**
 * Applies the rules to a recorded decision: records the routes, writes the labels, and enqueues the pending routes. It
 * does not wait for a destination.
 */
export class RoutingFollowUp implements FollowUp {
  readonly name = 'route';
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  isDue(instance: InstanceContent): boolean {
    const known = recordOf(instance);
    if (known === undefined || !known.complete) return false;
    if (routesOf(instance)?.of === known.record.when) return false;
    return whyExcluded(instance, this.#parts.rules) === undefined;
  }

  async run(id: InstanceId): Promise<void> {
    const { orthanc, rules, ledger, known, onPending, markStudy } = this.#parts;
    const tags = await orthanc.files.attributes(id);
    const pending = await ledger.exclusive(id, async () => {
      const [instance] = await orthanc.hierarchy.instances([id]);
      const record = instance && recordOf(instance)?.record;
      if (instance === undefined || record === undefined || !this.isDue(instance)) return [];
      const former = routesOf(instance);
      const plan = planRoutes(rules, instance, factsOf(instance, record, tags), known(), former);
      // Before the routes are recorded: after a kill both are done again.
      if (markStudy !== undefined && plan.excluded === undefined)
        await markStudy(await orthanc.hierarchy.studyOf(id));
      return this.#record(instance, record, former, plan);
    });
    for (const { to } of pending) onPending(id, to);
  }

  async recordFailure(instance: InstanceContent, failure: { code: string; message: string }): Promise<void> {
    const { orthanc, ledger } = this.#parts;
    const of = recordOf(instance)?.record.when;
    await ledger.exclusive(instance.ID, async () => {
      const [current] = await orthanc.hierarchy.instances([instance.ID]);
      if (of === undefined || current === undefined || recordOf(current)?.record.when !== of) return;
      await ledger.write(current, { ...(routesOf(current) ?? noRoutes), of, failure });
    });
  }

  /** @returns the pending routes */
  async #record(
    instance: IdentifiedInstance,
    record: InstanceRecord,
    former: InstanceRoutes | undefined,
    { sends, labels }: RoutePlan,
  ): Promise<Route[]> {
    const { rules, ledger } = this.#parts;
    const asked = new Date().toISOString();
    const { when: of, decision, category } = record;
    const routes = sends.map(
      ({ rule, to, whyNot }): Route => ({
        to,
        rule: rule.name,
        of,
        decision,
        ...(category === undefined ? {} : { category }),
        ...(whyNot === undefined
          ? { state: 'pending', asked }
          : { state: 'skipped', asked, ended: asked, why: whyNot }),
      }),
    );
    const wanted = labels.map((label) => this.#parts.labelPrefix + label);
    const owned = await this.#label(instance, former, wanted);
    await ledger.write(instance, {
      version: 1,
      of,
      rules: rules.sha256,
      routes: [...(former?.routes ?? []).map(superseded(asked)), ...routes],
      wanted,
      labels: owned,
    });
    return routes.filter(({ state }) => state === 'pending');
  }

  /** @returns the labels of the instance that Plainview owns */
  async #label(
    instance: IdentifiedInstance,
    former: InstanceRoutes | undefined,
    wanted: string[],
  ): Promise<string[]> {
    const { orthanc, ledger, groupLabels } = this.#parts;
    const plan = planLabels(instance.Labels, former?.labels ?? [], wanted);
    const before = former?.wanted ?? [];
    // After a crash or a failure, series and study may lack the labels.
    const isWhole = former === undefined || (former.of !== undefined && former.failure === undefined);
    const { add, remove, owned } = plan;
    if (isWhole && add.length + remove.length === 0 && wanted.join() === before.join()) return owned;
    const { of: _, ...rest } = former ?? noRoutes;
    // Without `of`, so that the instance is still due after a crash.
    await applyOwnedLabels(orthanc, `instances/${instance.ID}`, plan, (labels) =>
      ledger.note(instance, { ...rest, wanted, labels }),
    );
    await groupLabels.aggregate(await orthanc.hierarchy.studyOf(instance.ID), instance.ID);
    return owned;
  }
}

const noRoutes: InstanceRoutes = { version: 1, routes: [], wanted: [], labels: [] };

/** A pending route of an earlier decision is not sent. */
const superseded =
  (ended: string) =>
  (route: Route): Route =>
    route.state === 'pending' ? { ...route, state: 'skipped', ended, why: 'it was decided anew' } : route;
