import type { OrderRecord } from '../order-check/schema.js';
import type { InstanceRecord } from './schema.js';
import { stateLabels } from './state-labels.js';

const { needsReview, unknownView, failed, orderMismatch } = stateLabels;

/** What a person has yet to settle of an instance. */
export type OpenState = typeof needsReview | typeof unknownView | typeof failed | typeof orderMismatch;

export type Judged = Pick<InstanceRecord, 'decision'> &
  Partial<Pick<InstanceRecord, 'who' | 'order' | 'settled' | 'acknowledged'>>;

const opens = { category: [], needs_review: [needsReview], unknown_view: [unknownView], failed: [failed] };

/** What of a decision differs from the order, in the words of the check. The same difference has the same words. */
export function differencesOf(order: OrderRecord | undefined): string[] {
  if (order?.answer !== 'differs') return [];
  const findings = [order.bodyPart, order.projection, order.side];
  return findings.flatMap(({ answer, reason }) => (answer === 'differs' ? [reason] : []));
}

/** The differences from the order that people have settled: by a decision, or by an answer. */
export const settledDifferences = ({
  settled = [],
  acknowledged,
}: Pick<Judged, 'settled' | 'acknowledged'>) => new Set([...settled, ...(acknowledged?.of ?? [])]);

/**
 * A person's decision is settled, whatever it says. A difference from the order is settled by the decision of the person who
 * saw it, or by an acknowledgement. It is open again where a later decision differs in another way.
 */
export function openStatesOf(judged: Judged): OpenState[] {
  const { decision, who, order } = judged;
  const known = settledDifferences(judged);
  const differs = differencesOf(order).some((difference) => !known.has(difference));
  return [...(who === 'person' ? [] : opens[decision]), ...(differs ? [orderMismatch] : [])];
}

/** Whether a person has decided, or has answered what differed from the order. */
export const hasPersonSpoken = ({ who, acknowledged }: Pick<Judged, 'who' | 'acknowledged'>): boolean =>
  who === 'person' || acknowledged !== undefined;

/** Whether a person has looked at the instance, and nothing is open there. */
export const isSettledByPerson = (record: Judged): boolean =>
  hasPersonSpoken(record) && openStatesOf(record).length === 0;

/** What a person has settled of the order. It outlasts the decision: the same difference is not asked about again. */
export const settledIn = (
  record: InstanceRecord | undefined,
): Pick<InstanceRecord, 'settled' | 'acknowledged'> => ({
  ...(record?.settled === undefined ? {} : { settled: record.settled }),
  ...(record?.acknowledged === undefined ? {} : { acknowledged: record.acknowledged }),
});
