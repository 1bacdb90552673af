import type { InstanceRecord } from '../../decisions/schema.js';
import { metadataAsReceived } from '../../decisions/tags-record.js';
import type { KnownDestinations } from '../../orthanc/forwarder.js';
import type { InstanceContent } from '../../orthanc/resources.js';
import type { InstanceRoutes, Route } from './routes-record.js';
import { actionsOf, evaluateRules, type RuleVerdict } from './rules/evaluate.js';
import { type Exclusion, type Facts, isDeidentified, whyExcluded } from './rules/facts.js';
import type { Rules } from './rules/read.js';
import { nameOf, type Rule, type Target } from './rules/schema.js';

/** The results of the rules for one instance, and what is to be done. */
export interface RoutePlan {
  verdicts: RuleVerdict[];
  /** Why no rule was evaluated. */
  excluded?: Exclusion;
  sends: { rule: Rule; to: string; whyNot?: string }[];
  labels: string[];
}

/** @param former the record of earlier routes */
export function planRoutes(
  rules: Rules,
  instance: InstanceContent,
  facts: Facts,
  known: Pick<KnownDestinations, 'aets'>,
  former: InstanceRoutes | undefined,
): RoutePlan {
  const excluded =
    whyExcluded(instance, rules) ?? (isDeidentified(facts) && !rules.copies ? 'copy' : undefined);
  if (excluded !== undefined) return { verdicts: [], excluded, sends: [], labels: [] };
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

/** Whether the instance came from this destination by DICOM. It is not sent back. */
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
