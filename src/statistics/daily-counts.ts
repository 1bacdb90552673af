import { z } from 'zod';
import { networksDecision, saysWhatItShows, shownCategory } from '../decisions/correction.js';
import type { DecisionRecord, InstanceRecord, ShadowRecord } from '../decisions/schema.js';
import { outcomeOf, shadowOf } from '../decisions/shadow.js';

const counts = z.record(z.string(), z.number());

/** A network and its shadow on one day. */
const shadowDay = z.object({
  /** Decision of the network → that of the shadow → count. `failed`: it gave no answer. */
  decisions: z.record(z.string(), counts),
  /** Verdicts of persons on that day: who was right. */
  right: z.partialRecord(z.enum(['both', 'network', 'shadow', 'neither']), z.number()),
});
export type ShadowDay = z.output<typeof shadowDay>;

/** What was decided on one day (UTC). */
const day = z.object({
  hours: z.array(z.number()).length(24),
  /** By decision of a network. */
  decisions: counts,
  /** By category that a network gave. */
  categories: counts,
  /** Persons' verdicts of that day: SHA-256 of the network → its answer → the person's answer → count. */
  agreement: z.record(z.string(), z.record(z.string(), counts)),
  /** SHA-256 of a network, a blank, and that of its shadow. */
  shadow: z.record(z.string(), shadowDay).default({}),
  /** People's answers of that day to what differs from the order. */
  acknowledged: counts.default({}),
});
export type Day = z.output<typeof day>;

export const dailyCounts = z.object({
  version: z.literal(1),
  /** Networks' names, by SHA-256. */
  networks: z.record(z.string(), z.string()),
  /** By ISO date. */
  days: z.record(z.string(), day),
});
export type DailyCounts = z.output<typeof dailyCounts>;

export const emptyCounts = (): DailyCounts => ({ version: 1, networks: {}, days: {} });
export const emptyDay = (): Day => ({
  hours: new Array<number>(24).fill(0),
  decisions: {},
  categories: {},
  agreement: {},
  shadow: {},
  acknowledged: {},
});

/** The answer "none of the categories". */
export const noCategory = 'unknown_view';
/** Prefix of a network's answer whose decision was `needs_review`. */
export const unsurePrefix = '?';

/** Counts a decision of a network at the time of the decision. @param by -1 removes it */
function countDecision(into: DailyCounts, record: InstanceRecord, by: 1 | -1 = 1): void {
  const decided = networksDecision(record);
  const { when, decision, category } = decided;
  const of = dayOf(into, when);
  const hour = Number(when.slice(11, 13));
  of.hours[hour] = Math.max(0, (of.hours[hour] ?? 0) + by);
  add(of.decisions, decision, by);
  if (category !== undefined) add(of.categories, category, by);
  const shadow = shadowOf(record);
  if (shadow === undefined) return;
  const { decisions } = shadowDayOf(into, of, decided.network, shadow);
  add(
    entry(decisions, outcomeOf(decided), () => ({})),
    outcomeOf(shadow),
    by,
  );
}

/** Counts who was right, where a person has decided. */
function countRight(into: DailyCounts, record: InstanceRecord, of: Day, by: 1 | -1): void {
  const shadow = shadowOf(record);
  if (shadow === undefined || shadow.decision === 'failed') return;
  const decided = networksDecision(record);
  const said = shownCategory(record);
  const isRight = shownCategory(decided) === said;
  const isShadowRight = shownCategory(shadow) === said;
  const { right } = shadowDayOf(into, of, decided.network, shadow);
  add(right, isRight ? (isShadowRight ? 'both' : 'network') : isShadowRight ? 'shadow' : 'neither', by);
}

function shadowDayOf(
  { networks }: DailyCounts,
  of: Day,
  network: DecisionRecord['network'],
  { network: shadow }: ShadowRecord,
): ShadowDay {
  for (const { name, sha256 } of [network, shadow]) networks[sha256] = name;
  return entry(of.shadow, `${network.sha256} ${shadow.sha256}`, () => ({ decisions: {}, right: {} }));
}

/** Counts a person's verdict on a network's decision. @param by -1 removes it. A failed decision has no verdict. */
function countAgreement(into: DailyCounts, record: InstanceRecord, by: 1 | -1): void {
  const { before, person, network } = record;
  if (person === undefined || before === undefined || before.decision === 'failed') return;
  if (!saysWhatItShows(record)) return;
  const networksAnswer = shownCategory(before) ?? noCategory;
  const of = dayOf(into, person.when);
  into.networks[network.sha256] = network.name;
  countRight(into, record, of, by);
  const ofNetwork = entry(of.agreement, network.sha256, () => ({}));
  const answers = entry(
    ofNetwork,
    before.decision === 'needs_review' ? unsurePrefix + networksAnswer : networksAnswer,
    () => ({}),
  );
  add(answers, shownCategory(record) ?? noCategory, by);
}

/** Counts a person's answer to what differs from the order. @param by -1 removes it */
function countAnswer(into: DailyCounts, { acknowledged }: InstanceRecord, by: 1 | -1): void {
  if (acknowledged !== undefined) add(dayOf(into, acknowledged.when).acknowledged, acknowledged.answer, by);
}

/** Counts a recorded decision. @param previous the decision that it replaced */
export function countRecorded(
  into: DailyCounts,
  record: InstanceRecord,
  previous: InstanceRecord | undefined,
): void {
  // If both are the same decision, a crash interrupted it before it was counted.
  const replaced = previous?.when === record.when ? undefined : previous;
  // An answer outlasts the decision that it came with.
  const isAnswer = record.acknowledged?.when === record.when;
  const isSameAnswer = previous?.acknowledged?.when === record.acknowledged?.when;
  if (previous !== undefined && !isSameAnswer) countAnswer(into, previous, -1);
  if (!isSameAnswer || (isAnswer && replaced === undefined)) countAnswer(into, record, 1);
  if (replaced?.who === 'person') countAgreement(into, replaced, -1);
  if (record.who === 'person') countAgreement(into, record, 1);
  // An undo restores a network's decision that is counted already.
  else if (replaced?.before?.when !== record.when) countDecision(into, record);
}

/**
 * Counts a record in Orthanc if it is older than `until`. Anybody can write metadata, so its times are checked.
 * @param by -1 removes it
 */
export function countExisting(
  into: DailyCounts,
  record: InstanceRecord,
  until: string,
  by: 1 | -1 = 1,
): void {
  const decision = networksDecision(record);
  if (isTime(decision.when) && decision.when < until) countDecision(into, record, by);
  const corrected = record.person?.when ?? '';
  if (isTime(corrected) && corrected < until) countAgreement(into, record, by);
  const answered = record.acknowledged?.when ?? '';
  if (isTime(answered) && answered < until) countAnswer(into, record, by);
}

const isTime = (text: string): boolean => z.iso.datetime().safeParse(text).success;

/** Keeps the latest days that have counts. Not by the clock: one that is wrong for a moment must not delete all. */
export function prune(of: DailyCounts, maxDays: number): void {
  for (const date of Object.keys(of.days).sort().slice(0, -maxDays)) delete of.days[date];
}

const dayOf = (of: DailyCounts, when: string): Day => entry(of.days, when.slice(0, 10), emptyDay);

function entry<T>(of: Record<string, T>, key: string, make: () => T): T {
  const known = of[key];
  if (known !== undefined) return known;
  const made = make();
  of[key] = made;
  return made;
}

function add(to: Record<string, number>, key: string, by: number): void {
  const sum = (to[key] ?? 0) + by;
  if (sum > 0) to[key] = sum;
  else delete to[key];
}
