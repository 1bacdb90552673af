import type { ShadowClassification } from '../classify/classifier.js';
import { decide } from '../classify/decide.js';
import { networksDecision } from './correction.js';
import type { DecisionRecord, InstanceRecord, ShadowRecord } from './schema.js';

/** What a second network made of the picture beside the network's decision, whether that stands or was replaced by a person's. */
export function shadowOf(record: InstanceRecord): ShadowRecord | undefined {
  const decided = networksDecision(record);
  // A version that does not know the field keeps it beside a person's decision, too.
  const shadow = decided.shadow ?? record.shadow;
  return shadow?.of === decided.when && decided.decision !== 'failed' ? shadow : undefined;
}

/** What a decision comes to, as a word: the category, `needs_review` or `unknown_view`. */
export const outcomeOf = ({
  decision,
  category,
}: Pick<DecisionRecord, 'decision'> & { category?: string | undefined }) => category ?? decision;

/** Whether a second network would have decided otherwise. Two that both ask for a person agree. */
export const partings = ['agrees', 'differs', 'failed'] as const;
export type Parting = (typeof partings)[number];

export function partingBetween(decided: Parameters<typeof outcomeOf>[0], shadow: ShadowRecord): Parting {
  if (shadow.decision === 'failed') return 'failed';
  return outcomeOf(shadow) === outcomeOf(decided) ? 'agrees' : 'differs';
}

/** @returns undefined where there is no answer of a second network beside the decision */
export function partingOf(record: InstanceRecord): Parting | undefined {
  const shadow = shadowOf(record);
  return shadow && partingBetween(networksDecision(record), shadow);
}

/** @param of `when` of the decision */
export function shadowRecordOf(shadow: ShadowClassification, of: string): ShadowRecord {
  const { name, sha256 } = shadow.network;
  const network = { name, sha256 };
  if ('error' in shadow) {
    const { code, message } = shadow.error;
    return { network, decision: 'failed', failure: { code, message }, top: [], of };
  }
  const { decision, category, top } = decide(shadow.scores, shadow.network);
  return { network, decision, ...(category === undefined ? {} : { category }), top, of };
}
