import type { Entry } from '../contract/review.js';
import type { formerStates, settledWords } from '../contract/states.js';
import { stateLabels } from '../decisions/state-labels.js';

type Said = Pick<Entry, 'who' | 'decision' | 'person' | 'acknowledged' | 'settled' | 'before'>;

/** What people have said of an instance. */
export function saidOf({ who, decision, person, acknowledged }: Said): (typeof settledWords)[number][] {
  const answer = acknowledged === undefined ? [] : [acknowledged.answer];
  if (who !== 'person') return answer;
  const verdict = person?.action === 'confirm' ? ('confirmed' as const) : ('corrected' as const);
  return [...answer, verdict, ...(decision === 'unknown_view' ? ['none_of_these' as const] : [])];
}

/** What was open of an instance before a person settled it. */
export function formerOf(entry: Said): (typeof formerStates)[number][] {
  const { decision } = entry.before ?? entry;
  const ofDecision = decision === 'failed' ? stateLabels.failed : decision;
  const differed = (entry.settled ?? []).length > 0 || entry.acknowledged !== undefined;
  return [ofDecision, ...(differed ? [stateLabels.orderMismatch] : [])];
}

/** Who has decided or answered last. */
export const settledBy = ({ person, acknowledged }: Said): string =>
  (acknowledged !== undefined && acknowledged.when >= (person?.when ?? '') ? acknowledged : person)?.who ??
  '';
