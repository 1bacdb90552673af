import { recordOf } from '../../decisions/read.js';
import type { InstanceRecord } from '../../decisions/schema.js';
import { hasCode } from '../../errors/errors.js';
import type { KnownDestinations } from '../../orthanc/forwarder.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { InstanceContent } from '../../orthanc/resources.js';
import { planRoutes, type RoutePlan } from './plan.js';
import { routesOf } from './routes-record.js';
import { factsOf } from './rules/facts.js';
import type { Rules } from './rules/read.js';

export interface DryRunResult {
  instance: InstanceContent;
  record: InstanceRecord;
  plan: RoutePlan;
}

/**
 * Applies the rules to the current decision of an instance, as if it were made now. Writes and sends nothing.
 * @returns undefined where the instance is not decided, or is deleted
 */
export async function dryRunInstance(
  orthanc: Orthanc,
  rules: Rules,
  known: Pick<KnownDestinations, 'aets'>,
  instance: InstanceContent,
): Promise<DryRunResult | undefined> {
  const decided = recordOf(instance);
  if (decided === undefined || !decided.complete) return undefined;
  const { record } = decided;
  try {
    const facts = factsOf(instance, record, await orthanc.files.attributes(instance.ID));
    return { instance, record, plan: planRoutes(rules, instance, facts, known, routesOf(instance)) };
  } catch (error) {
    if (hasCode(error, 'instance_gone')) return undefined;
    throw error;
  }
}

/** Counts over many instances what each rule would do. */
export class DryRunTotals {
  /** By rule and action, in the order of the rules. */
  readonly #counts = new Map<string, { rule: string; does: string; count: number }>();
  readonly excluded = { before_since: 0, copy: 0 };
  undecided = 0;
  decided = 0;
  noRule = 0;
  notNeeded = 0;

  constructor(rules: Rules) {
    for (const { name, do: actions } of rules.rules) {
      for (const [kind, names] of Object.entries(actions))
        if (Array.isArray(names))
          for (const each of names)
            this.#counts.set(`${name}\n${kind}:${each}`, { rule: name, does: `${kind}:${each}`, count: 0 });
      if (actions.stop) this.#counts.set(`${name}\nstop`, { rule: name, does: 'stop', count: 0 });
    }
  }

  get counts(): readonly { rule: string; does: string; count: number }[] {
    return [...this.#counts.values()];
  }

  add(result: DryRunResult | undefined): void {
    if (result === undefined) {
      this.undecided++;
      return;
    }
    this.decided++;
    const { plan } = result;
    if (plan.excluded !== undefined) this.excluded[plan.excluded]++;
    else if (plan.verdicts.every(({ whyNot }) => whyNot !== undefined)) this.noRule++;
    for (const { rule, does, whyNot } of plannedActions(result)) {
      const entry = this.#counts.get(`${rule}\n${does}`);
      if (whyNot !== undefined) this.notNeeded++;
      else if (entry !== undefined) entry.count++;
    }
  }
}

/** The actions that the rules would take for an instance. `whyNot` is given for a route that is not needed. */
export function plannedActions({ plan }: DryRunResult): { rule: string; does: string; whyNot?: string }[] {
  const sends = plan.sends.map(({ rule, to, whyNot }) => ({
    rule: rule.name,
    does: to,
    ...(whyNot === undefined ? {} : { whyNot }),
  }));
  const others = plan.verdicts
    .filter(({ whyNot }) => whyNot === undefined)
    .flatMap(({ rule }) => [
      ...(rule.do.label ?? []).map((label) => ({ rule: rule.name, does: `label:${label}` })),
      ...(rule.do.stop ? [{ rule: rule.name, does: 'stop' }] : []),
    ]);
  return [...sends, ...others];
}
