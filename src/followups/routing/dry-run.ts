import { recordOf } from '../../decisions/read.js';
import type { InstanceRecord } from '../../decisions/schema.js';
import { PlainviewError } from '../../errors/errors.js';
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
  asked: RoutePlan;
}

/**
 * What the rules would ask for if an instance were decided now as it stands decided. Nothing is written or sent.
 * @returns undefined where it is not decided, or gone
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
    return { instance, record, asked: planRoutes(rules, instance, facts, known, routesOf(instance)) };
  } catch (error) {
    if (error instanceof PlainviewError && error.code === 'instance_gone') return undefined;
    throw error;
  }
}

/** How often each rule would do what, over many instances. */
export class DryRunTotals {
  /** By rule and what it would do, in the rules' order. */
  readonly #counts = new Map<string, { rule: string; does: string; count: number }>();
  readonly leftAlone = { before_since: 0, copy: 0 };
  undecided = 0;
  decided = 0;
  noRule = 0;
  already = 0;

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

  add(looked: DryRunResult | undefined): void {
    if (looked === undefined) {
      this.undecided++;
      return;
    }
    this.decided++;
    const { asked } = looked;
    if (asked.leftAlone !== undefined) this.leftAlone[asked.leftAlone]++;
    else if (asked.verdicts.every(({ whyNot }) => whyNot !== undefined)) this.noRule++;
    for (const { rule, does, whyNot } of actionsOf(looked)) {
      const entry = this.#counts.get(`${rule}\n${does}`);
      if (whyNot !== undefined) this.already++;
      else if (entry !== undefined) entry.count++;
    }
  }
}

/** One by one, what the rules would do with an instance. */
export function actionsOf({ asked }: DryRunResult): { rule: string; does: string; whyNot?: string }[] {
  const sends = asked.sends.map(({ rule, to, whyNot }) => ({
    rule: rule.name,
    does: to,
    ...(whyNot === undefined ? {} : { whyNot }),
  }));
  const others = asked.verdicts
    .filter(({ whyNot }) => whyNot === undefined)
    .flatMap(({ rule }) => [
      ...(rule.do.label ?? []).map((label) => ({ rule: rule.name, does: `label:${label}` })),
      ...(rule.do.stop ? [{ rule: rule.name, does: 'stop' }] : []),
    ]);
  return [...sends, ...others];
}
