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
  /** Of decisions that people looked at on that day: network's SHA-256 → what it had said → what they said. */
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

/** What stands for "none of the categories". */
export const noCategory = 'unknown_view';
/** Before what a network had said without being sure: it had asked for review. */
export const unsure = '?';

/** Counts a decision of a network, when it was made. */
function countDecision(into: DailyCounts, { when, decision, category }: DecisionRecord): void {
  const of = dayOf(into, when);
  const hour = Number(when.slice(11, 13));
  of.hours[hour] = (of.hours[hour] ?? 0) + 1;
  add(of.decisions, decision, 1);
  if (category !== undefined) add(of.categories, category, 1);
}

/** Counts what a person said of a network's decision; -1 takes it back. A failed one says nothing of the network. */
function countAgreement(into: DailyCounts, record: InstanceRecord, by: 1 | -1): void {
  const { before, person, network } = record;
  if (person === undefined || before === undefined || before.decision === 'failed') return;
  const said = shownCategory(before) ?? noCategory;
  const of = dayOf(into, person.when);
  into.networks[network.sha256] = network.name;
  const ofNetwork = entry(of.agreement, network.sha256, () => ({}));
  const answers = entry(ofNetwork, before.decision === 'needs_review' ? unsure + said : said, () => ({}));
  add(answers, shownCategory(record) ?? noCategory, by);
}

/** Counts what a recorded decision changes. */
export function countRecorded(
  into: DailyCounts,
  record: InstanceRecord,
  previous: InstanceRecord | undefined,
): void {
  // The same once more is one that a crash had cut off before it was counted.
  const replaced = previous?.when === record.when ? undefined : previous;
  if (replaced?.who === 'person') countAgreement(into, replaced, -1);
  if (record.who === 'person') countAgreement(into, record, 1);
  // An undo brings back what has been counted.
  else if (replaced?.before?.when !== record.when) countDecision(into, networksDecision(record));
}

/** Counts what stands in Orthanc, where anybody may have written anything, as far as it is from before that moment. */
export function countStanding(into: DailyCounts, record: InstanceRecord, until: string): void {
  const decision = networksDecision(record);
  if (isTime(decision.when) && decision.when < until) countDecision(into, decision);
  const said = record.person?.when ?? '';
  if (isTime(said) && said < until) countAgreement(into, record, 1);
}

const isTime = (text: string): boolean => z.iso.datetime().safeParse(text).success;

/** Forgets all but the latest days. */
export function prune(of: DailyCounts, oldest: string): void {
  for (const date of Object.keys(of.days)) if (date < oldest) delete of.days[date];
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
