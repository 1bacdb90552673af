import { z } from 'zod';
import { networksDecision, shownCategory } from '../decisions/correction.js';
import type { DecisionRecord, InstanceRecord } from '../decisions/schema.js';

const counts = z.record(z.string(), z.number());

/** What was decided on one day (UTC). */
const day = z.object({
  hours: z.array(z.number()).length(24),
  /** By decision of a network. */
  decisions: counts,
  /** By category that a network gave. */
  categories: counts,
  /** Persons' verdicts of that day: SHA-256 of the network → its answer → the person's answer → count. */
  agreement: z.record(z.string(), z.record(z.string(), counts)),
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
});

/** The answer "none of the categories". */
export const noCategory = 'unknown_view';
/** Prefix of a network's answer whose decision was `needs_review`. */
export const unsurePrefix = '?';

/** Counts a decision of a network at the time of the decision. @param by -1 removes it */
function countDecision(
  into: DailyCounts,
  { when, decision, category }: DecisionRecord,
  by: 1 | -1 = 1,
): void {
  const of = dayOf(into, when);
  const hour = Number(when.slice(11, 13));
  of.hours[hour] = Math.max(0, (of.hours[hour] ?? 0) + by);
  add(of.decisions, decision, by);
  if (category !== undefined) add(of.categories, category, by);
}

/** Counts a person's verdict on a network's decision. @param by -1 removes it. A failed decision has no verdict. */
function countAgreement(into: DailyCounts, record: InstanceRecord, by: 1 | -1): void {
  const { before, person, network } = record;
  if (person === undefined || before === undefined || before.decision === 'failed') return;
  const networksAnswer = shownCategory(before) ?? noCategory;
  const of = dayOf(into, person.when);
  into.networks[network.sha256] = network.name;
  const ofNetwork = entry(of.agreement, network.sha256, () => ({}));
  const answers = entry(
    ofNetwork,
    before.decision === 'needs_review' ? unsurePrefix + networksAnswer : networksAnswer,
    () => ({}),
  );
  add(answers, shownCategory(record) ?? noCategory, by);
}

/** Counts a recorded decision. @param previous the decision that it replaced */
export function countRecorded(
  into: DailyCounts,
  record: InstanceRecord,
  previous: InstanceRecord | undefined,
): void {
  // If both are the same decision, a crash interrupted it before it was counted.
  const replaced = previous?.when === record.when ? undefined : previous;
  if (replaced?.who === 'person') countAgreement(into, replaced, -1);
  if (record.who === 'person') countAgreement(into, record, 1);
  // An undo restores a network's decision that is counted already.
  else if (replaced?.before?.when !== record.when) countDecision(into, networksDecision(record));
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
  if (isTime(decision.when) && decision.when < until) countDecision(into, decision, by);
  const corrected = record.person?.when ?? '';
  if (isTime(corrected) && corrected < until) countAgreement(into, record, by);
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
