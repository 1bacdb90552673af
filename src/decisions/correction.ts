import { otherClass } from '../classify/decide.js';
import type { Orientation, QuarterTurn } from '../classify/orientation.js';
import { toldIn, turnAlone } from '../classify/turn.js';
import { createError } from '../errors/errors.js';
import { differencesOf, settledDifferences, settledIn } from './open-states.js';
import { decisionOf } from './read.js';
import { reasonOf } from './reasons.js';
import {
  type DecisionRecord,
  decisionRecord,
  type InstanceRecord,
  type MismatchAnswer,
  type NewDecision,
} from './schema.js';

/** Who says so, and when (ISO 8601, UTC). */
export interface By {
  who: string;
  when: string;
}

/** What a person decides about. */
export interface Shown {
  /** `pictureOf` */
  picture: string;
  /** What would differ from the order if this was decided. */
  differences(decided: { category?: string | undefined }): string[];
}

type Answered = Pick<InstanceRecord, 'decision' | 'category' | 'top'>;

/** The category that a decision shows: the one given, or the best one where a person should look; null: none of them. */
export function shownCategory({ decision, category, top }: Answered): string | null {
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

/**
 * A person says which way up the picture is, and confirms a network's category by that.
 * @param turned clockwise degrees that bring it upright
 * @param mirrored whether it is mirrored, once it is upright
 * @throws category_undecided
 */
export function oriented(
  current: InstanceRecord,
  { turned, mirrored }: { turned: QuarterTurn; mirrored: boolean },
  by: By,
): NewDecision {
  const orientation = { turned, score: 1, mirrored, person: by };
  if (current.who === 'person') return { ...decisionOf(current), when: by.when, orientation };
  if (current.decision !== 'category') throw createError('category_undecided', {});
  return { ...confirmed(current, by), orientation };
}

/**
 * A person answers a decision that differs from the order.
 * @param category what the picture shows, where the answer is `category_wrong`; null: none of the categories
 * @throws nothing_to_acknowledge, category_undecided, category_unchanged
 */
export function acknowledged(
  current: InstanceRecord,
  { answer, category = null, why }: { answer: MismatchAnswer; category?: string | null; why?: string },
  by: By,
): NewDecision {
  const of = differencesOf(current.order);
  if (of.length === 0 || isAnswered(current)) throw createError('nothing_to_acknowledge', {});
  const acknowledged = { answer, ...by, ...(why === undefined ? {} : { why }), of };
  if (answer === 'category_wrong' && category === current.category && shownDiffers(current))
    throw createError('category_unchanged', {});
  if (answer === 'category_wrong') return { ...corrected(current, category, by), acknowledged };
  if (current.who === 'person') return { ...decisionOf(current), when: by.when, acknowledged };
  if (current.decision !== 'category') throw createError('category_undecided', {});
  return { ...confirmed(current, by), acknowledged };
}

/**
 * A person who decides sees the picture beside its order, so that the decision settles what differs, beside what was settled
 * before. What the person answers stands in the answer alone: it is open again where the answer is taken back. Who says of a
 * person's decision only which way up the picture is settles nothing.
 * @param differences of the decision from the order
 */
export function settling(current: InstanceRecord, decided: NewDecision, differences: string[]): NewDecision {
  if (isOfWayUp(decided)) return decided;
  const answered = decided.acknowledged?.of ?? [];
  const seen = differences.filter((each) => !answered.includes(each));
  return { ...decided, settled: [...new Set([...settledDifferences(current), ...seen])] };
}

/** Whether what the picture shows is not what was ordered. A side is not part of a category. */
const shownDiffers = ({ order }: InstanceRecord): boolean =>
  [order?.bodyPart, order?.projection].some((finding) => finding?.answer === 'differs');

/** Whether a person has answered all that differs from the order. */
export const isAnswered = ({ order, acknowledged }: InstanceRecord): boolean =>
  acknowledged !== undefined && differencesOf(order).every((each) => acknowledged.of.includes(each));

/**
 * Back to what a person replaced: what was said last after a person's decision, an answer or which way up the picture is; else
 * that decision.
 * @throws not_corrected
 */
export function undone(current: InstanceRecord): NewDecision {
  const { who, person, before, acknowledged: answer } = current;
  const { settled, acknowledged: _, ...decided } = decisionOf(current);
  if (who === 'network') {
    if (answer === undefined && settled === undefined) throw createError('not_corrected', {});
    return decided;
  }
  if (before === undefined) throw createError('not_corrected', {});
  if (person === undefined) return { ...before, who: 'network' };
  // An answer beside a person's decision came with it or after it.
  if (isOfWayUp(current))
    return {
      ...withOrientation(decisionOf(current), toldOf(before, current.category ?? null)),
      when: answer?.when ?? person.when,
    };
  if (answer === undefined || answer.when === person.when) return { ...before, who: 'network' };
  const said = saidOf(current)?.person.when ?? '';
  const when = said > person.when ? said : person.when;
  return { ...decided, when, ...(settled === undefined ? {} : { settled }) };
}

/**
 * A person says that it is what is shown, and has seen the picture alone: a difference from the order is not settled by that.
 * @throws decision_changed where it is not the decision of a network
 */
export function confirmedUnordered(current: InstanceRecord, by: By): NewDecision {
  if (current.who !== 'network') throw createError('decision_changed', {});
  const known = [...settledDifferences(current)];
  return { ...confirmed(current, by), ...(known.length === 0 ? {} : { settled: known }) };
}

/**
 * Back to a decision of a network that this person confirmed, where nothing was said of it since.
 * @param of `when` of the network's decision
 * @throws not_corrected where it stands again; decision_changed
 */
export function unconfirmed(current: InstanceRecord, { of, who }: { of: string; who: string }): NewDecision {
  const { person, before, acknowledged: answer, when } = current;
  if (current.who === 'network' && when === of) throw createError('not_corrected', {});
  const isOurs = person?.action === 'confirm' && person.who === who && person.when === when;
  if (!isOurs || before?.when !== of || answer !== undefined) throw createError('decision_changed', {});
  return undone(current);
}

/** Whether a person has said what the picture shows. Who says that a difference from the order does not matter has not. */
export const saysWhatItShows = ({ who, person, acknowledged }: InstanceRecord): boolean =>
  who === 'person' && !(acknowledged?.answer === 'no_matter' && acknowledged.when === person?.when);

/** What a network told of a picture that a person says is of this category. */
function toldOf(
  { category: given, top, orientation }: DecisionRecord,
  category: string | null,
): Orientation | undefined {
  const isThought = category !== null && [given, top[0]?.category].includes(category);
  return orientation === undefined || isThought ? orientation : turnAlone(orientation);
}

const withOrientation = (
  { orientation: _, ...decided }: NewDecision,
  orientation: Orientation | undefined,
): NewDecision => ({ ...decided, ...(orientation === undefined ? {} : { orientation }) });

/** Which way up a person said that the picture is. */
function saidOf({ orientation }: Pick<InstanceRecord, 'orientation'>) {
  const told = toldIn(orientation);
  return told?.person && { ...told, person: told.person };
}

/** Whether the last thing that was said of a person's decision is which way up the picture is. By no clock: they differ. */
const isOfWayUp = (decision: Pick<InstanceRecord, 'orientation' | 'when' | 'person'>): boolean =>
  saidOf(decision)?.person.when === decision.when && decision.person?.when !== decision.when;

function personal(
  current: InstanceRecord,
  category: string | null,
  action: 'confirm' | 'correct',
  { who, when }: By,
): NewDecision {
  const before = current.before ?? { ...networksDecision(current), ...settledIn(current) };
  const { top, network, engine, ms, side } = before;
  const orientation = saidOf(current) ?? toldOf(before, category);
  return {
    ...(category === null
      ? { decision: 'unknown_view' as const }
      : { decision: 'category' as const, category }),
    ...reasonOf(action === 'confirm' ? 'confirmed' : 'said', { who }),
    top,
    who: 'person',
    person: { who, when, action },
    before,
    network,
    ...(orientation === undefined ? {} : { orientation }),
    ...(side === undefined ? {} : { side }),
    engine,
    when,
    ms,
  };
}
