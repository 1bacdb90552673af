import type { Entry } from '../api/schema.js';

/** What was decided, in a word or two, told by more than its colour. */
export function StateChip({ entry }: { entry: Entry }) {
  const [kind, words] = stateOf(entry);
  return <span class={`chip ${kind}`}>{words}</span>;
}

function stateOf({ who, decision, person }: Entry): [string, string] {
  if (who === 'person') return ['person', person?.action === 'confirm' ? '✓ Confirmed' : '✓ By a person'];
  if (decision === 'needs_review') return ['review', '? Needs review'];
  if (decision === 'unknown_view') return ['unknown', '∅ Unknown view'];
  if (decision === 'failed') return ['failed', '! Failed'];
  return ['given', 'By the network'];
}

export const isOrderMismatch = ({ order }: Entry): boolean => order?.answer === 'differs';
