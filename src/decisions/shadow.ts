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
export function partingOf(record: InstanceRecord): 'agrees' | 'differs' | 'failed' | undefined {
  const shadow = shadowOf(record);
  if (shadow === undefined) return undefined;
  if (shadow.decision === 'failed') return 'failed';
  return outcomeOf(shadow) === outcomeOf(networksDecision(record)) ? 'agrees' : 'differs';
}
