import type { Entry } from '../api/schema.js';
import { texts } from '../texts/index.js';

/** The decision in a word or two, never by colour alone. */
export function StateChip({ entry }: { entry: Entry }) {
  const [kind, text] = chipOf(entry);
  return <span class={`chip ${kind}`}>{text}</span>;
}

function chipOf({ who, decision, person }: Entry): [kind: string, text: string] {
  if (who === 'person')
    return ['person', person?.action === 'confirm' ? texts.chipConfirmed : texts.chipByPerson];
  if (decision === 'needs_review') return ['review', texts.chipNeedsReview];
  if (decision === 'unknown_view') return ['unknown', texts.chipUnknownView];
  if (decision === 'failed') return ['failed', texts.chipFailed];
  return ['given', texts.chipByNetwork];
}

export const isOrderMismatch = ({ order }: Entry): boolean => order?.answer === 'differs';
