import type { InstanceRecord } from '../../decisions/schema.js';
import { metadataAsReceived } from '../../decisions/tags-record.js';
import type { KnownDestinations } from '../../orthanc/forwarder.js';
import type { InstanceContent } from '../../orthanc/resources.js';
import type { InstanceRoutes, Route } from './routes-record.js';
import { type Facts, isDeidentified, type LeftAlone, whyLeftAlone } from './rules/facts.js';
import { actionsOf, evaluateRules, type RuleVerdict } from './rules/judge.js';
import type { Rules } from './rules/read.js';
import { nameOf, type Rule, type Target } from './rules/schema.js';

/** What rules ask for about one instance, and why. */
export interface RoutePlan {
  verdicts: RuleVerdict[];
  /** Why no rule was asked. */
  leftAlone?: LeftAlone;
  sends: { rule: Rule; to: string; whyNot?: string }[];
  labels: string[];
}

/** @param former what stands noted of former decisions */
export function planRoutes(
  rules: Rules,
  instance: InstanceContent,
  facts: Facts,
  known: Pick<KnownDestinations, 'aets'>,
  former: InstanceRoutes | undefined,
): RoutePlan {
  const leftAlone =
    whyLeftAlone(instance, rules) ?? (isDeidentified(facts) && !rules.copies ? 'copy' : undefined);
  if (leftAlone !== undefined) return { verdicts: [], leftAlone, sends: [], labels: [] };
  const verdicts = evaluateRules(rules, facts);
  const { sends, labels } = actionsOf(verdicts);
  return {
    verdicts,
    labels,
    sends: sends.map(({ rule, target }) => {
      const to = nameOf(target);
      const whyNot = cameFrom(instance, target, known)
        ? 'it came from there'
        : whyNotAgain(rule, to, facts.record, former?.routes ?? []);
      return { rule, to, ...(whyNot === undefined ? {} : { whyNot }) };
    }),
  };
}

/** Whoever has sent an instance by DICOM is not sent it. */
function cameFrom(
  instance: InstanceContent,
  { kind, name }: Target,
  { aets }: Pick<KnownDestinations, 'aets'>,
): boolean {
  const { Origin, RemoteAET } = metadataAsReceived(instance);
  return kind === 'modality' && Origin === 'DicomProtocol' && aets.get(name) === RemoteAET;
}

function whyNotAgain(
  { again }: Rule,
  to: string,
  { decision, category }: InstanceRecord,
  former: readonly Route[],
): string | undefined {
  const last = former.filter((each) => each.to === to && each.state === 'sent').at(-1);
  if (last === undefined || again === 'always') return undefined;
  if (again === 'changed' && (last.decision !== decision || last.category !== category)) return undefined;
  return `it was sent there at ${last.ended}`;
}
