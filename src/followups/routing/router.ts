import { planLabels } from '../../decisions/labels.js';
import { applyOwnedLabels } from '../../decisions/owned-labels.js';
import { recordOf } from '../../decisions/read.js';
import type { InstanceRecord } from '../../decisions/schema.js';
import type { KnownDestinations } from '../../orthanc/forwarder.js';
import type { InstanceId } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { InstanceContent } from '../../orthanc/resources.js';
import type { FollowUp } from '../follow-up.js';
import type { GroupLabels } from './group-labels.js';
import type { Ledger } from './ledger.js';
import type { Outbox } from './outbox.js';
import { planRoutes, type RoutePlan } from './plan.js';
import { type InstanceRoutes, type Route, routesOf } from './routes-record.js';
import { factsOf, whyLeftAlone } from './rules/facts.js';
import type { Rules } from './rules/read.js';

interface Parts {
  orthanc: Orthanc;
  rules: Rules;
  ledger: Ledger;
  groupLabels: GroupLabels;
  outboxes: ReadonlyMap<string, Outbox>;
  known: () => Pick<KnownDestinations, 'aets'>;
  labelPrefix: string;
}

/**
 * Applies the rules to a recorded decision: notes what is to be sent where, labels, and hands it to the outboxes.
 * It waits for no destination.
 */
export class Router implements FollowUp {
  readonly name = 'route';
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  isDue(instance: InstanceContent): boolean {
    const known = recordOf(instance);
    if (known === undefined || !known.complete) return false;
    if (routesOf(instance)?.of === known.record.when) return false;
    return whyLeftAlone(instance, this.#parts.rules) === undefined;
  }

  async run(id: InstanceId): Promise<void> {
    const { orthanc, rules, ledger, known, outboxes } = this.#parts;
    const tags = await orthanc.files.attributes(id);
    const pending = await ledger.exclusive(id, async () => {
      const [instance] = await orthanc.hierarchy.instances([id]);
      const record = instance && recordOf(instance)?.record;
      if (instance === undefined || record === undefined || !this.isDue(instance)) return [];
      const former = routesOf(instance);
      const asked = planRoutes(rules, instance, factsOf(instance, record, tags), known(), former);
      return this.#note(instance, record, former, asked);
    });
    for (const { to } of pending) outboxes.get(to)?.enqueue(id);
  }

  async giveUp(instance: InstanceContent, failure: { code: string; message: string }): Promise<void> {
    const { orthanc, ledger } = this.#parts;
    const of = recordOf(instance)?.record.when;
    await ledger.exclusive(instance.ID, async () => {
      const [current] = await orthanc.hierarchy.instances([instance.ID]);
      if (of === undefined || current === undefined || recordOf(current)?.record.when !== of) return;
      await ledger.write(current, { ...(routesOf(current) ?? none), of, failure });
    });
  }

  /** @returns what is to be sent now */
  async #note(
    instance: InstanceContent,
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

  /** @returns the labels on the instance that are ours now */
  async #label(
    instance: InstanceContent,
    former: InstanceRoutes | undefined,
    wanted: string[],
  ): Promise<string[]> {
    const { orthanc, ledger, groupLabels } = this.#parts;
    const { add, remove, owned } = planLabels(instance.Labels, former?.labels ?? [], wanted);
    const before = former?.wanted ?? [];
    // Cut off by a crash or given up: what is above the instance may lack its labels.
    const isWhole = former === undefined || (former.of !== undefined && former.failure === undefined);
    if (isWhole && add.length + remove.length === 0 && wanted.join() === before.join()) return owned;
    const { of: _, ...rest } = former ?? none;
    // Without `of`, so that a crash leaves it due.
    await applyOwnedLabels(orthanc, `instances/${instance.ID}`, { add, remove, owned }, (labels) =>
      ledger.note(instance, { ...rest, wanted, labels }),
    );
    await groupLabels.aggregate(await orthanc.hierarchy.studyOf(instance.ID));
    return owned;
  }
}

const none: InstanceRoutes = { version: 1, routes: [], wanted: [], labels: [] };

/** What was still to be sent for a former decision is not sent any more. */
const superseded =
  (ended: string) =>
  (route: Route): Route =>
    route.state === 'pending' ? { ...route, state: 'skipped', ended, why: 'it was decided anew' } : route;
