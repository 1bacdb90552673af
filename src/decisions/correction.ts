import { otherClass } from '../classify/decide.js';
import { createError } from '../errors/errors.js';
import { type DecisionRecord, decisionRecord, type InstanceRecord, type NewDecision } from './schema.js';

/** Who says so, and when (ISO 8601, UTC). */
export interface By {
  who: string;
  when: string;
}

type Shown = Pick<InstanceRecord, 'decision' | 'category' | 'top'>;

/** The category that a decision shows: the one given, or the best one where a person should look; null: none of them. */
export function shownCategory({ decision, category, top }: Shown): string | null {
  if (decision === 'category') return category ?? null;
  const best = decision === 'needs_review' ? top[0]?.category : undefined;
  return best === undefined || best === otherClass ? null : best;
}

/** The network's decision, whether it stands or was replaced by a person's. */
export const networksDecision = (record: InstanceRecord): DecisionRecord =>
  record.before ?? decisionRecord.parse(record);

/** A person says what it is. @param category null: none of the categories */
export const corrected = (current: InstanceRecord, category: string | null, by: By): NewDecision =>
  personal(current, category, 'correct', by);

/** A person says that it is what is shown. @throws nothing_to_confirm */
export function confirmed(current: InstanceRecord, by: By): NewDecision {
  if (current.decision === 'failed') throw createError('nothing_to_confirm', {});
  return personal(current, shownCategory(current), 'confirm', by);
}

/** Back to the network's decision. @throws not_corrected */
export function undone({ who, before }: InstanceRecord): NewDecision {
  if (who !== 'person' || before === undefined) throw createError('not_corrected', {});
  return { ...before, who: 'network' };
}

function personal(
  current: InstanceRecord,
  category: string | null,
  action: 'confirm' | 'correct',
  { who, when }: By,
): NewDecision {
  const before = networksDecision(current);
  const { top, network, engine, ms } = before;
  return {
    ...(category === null
      ? { decision: 'unknown_view' as const }
      : { decision: 'category' as const, category }),
    reason: `${action === 'confirm' ? 'confirmed' : 'said'} by ${who}`,
    top,
    who: 'person',
    person: { who, when, action },
    before,
    network,
    engine,
    when,
    ms,
  };
}
