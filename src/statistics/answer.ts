import type { StatisticsAnswer } from '../contract/review.js';
import { mcnemar } from '../evaluate/statistics.js';
import {
  type DailyCounts,
  type Day,
  emptyDay,
  noCategory,
  type ShadowDay,
  unsurePrefix,
} from './daily-counts.js';
import { verdictBetween } from './verdict.js';

type Agreement = StatisticsAnswer['agreement'][number];
const dayMs = 86_400_000;

/** The network in use. */
export interface KnownNetwork {
  sha256: string;
  classes: readonly string[];
}

/** The API's answer for the latest days (UTC). */
export function answerOf(
  counts: DailyCounts,
  days: number,
  now: Date,
  inUse: KnownNetwork,
): Omit<StatisticsAnswer, 'backlog' | 'complete'> {
  const today = Date.parse(now.toISOString().slice(0, 10));
  const dates = Array.from({ length: days }, (_, index) =>
    new Date(today - (days - 1 - index) * dayMs).toISOString().slice(0, 10),
  );
  const each = dates.map((date) => ({
    at: `${date}T00:00:00.000Z`,
    date,
    day: counts.days[date] ?? emptyDay(),
  }));
  const bucket = days <= 2 ? 'hour' : 'day';
  return {
    days,
    from: each[0]?.at ?? now.toISOString(),
    to: now.toISOString(),
    bucket,
    throughput:
      bucket === 'day'
        ? each.map(({ at, day }) => ({ at, decided: sum(day.hours) }))
        : each.flatMap(({ date, day }) =>
            day.hours
              .map((decided, hour) => ({
                at: `${date}T${String(hour).padStart(2, '0')}:00:00.000Z`,
                decided,
              }))
              .filter(({ at }) => at <= now.toISOString()),
          ),
    decisions: each.map(({ at, day: { decisions } }) => ({
      at,
      category: decisions.category ?? 0,
      needs_review: decisions.needs_review ?? 0,
      unknown_view: decisions.unknown_view ?? 0,
      failed: decisions.failed ?? 0,
    })),
    categories: categoriesOf(each.map(({ day }) => day)),
    agreement: agreementOf(
      counts,
      each.map(({ day }) => day),
      inUse,
    ),
    shadows: shadowsOf(
      counts,
      each.map(({ day }) => day),
    ),
    acknowledged: {
      order_wrong: sum(each.map(({ day }) => day.acknowledged.order_wrong ?? 0)),
      category_wrong: sum(each.map(({ day }) => day.acknowledged.category_wrong ?? 0)),
      no_matter: sum(each.map(({ day }) => day.acknowledged.no_matter ?? 0)),
    },
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

function categoriesOf(days: readonly Day[]): StatisticsAnswer['categories'] {
  const names = new Set(days.flatMap(({ categories }) => Object.keys(categories)));
  return [...names]
    .map((category) => {
      const perDay = days.map(({ categories }) => categories[category] ?? 0);
      return { category, perDay, total: sum(perDay) };
    })
    .sort((a, b) => b.total - a.total || (a.category < b.category ? -1 : 1));
}

function shadowsOf({ networks }: DailyCounts, days: readonly Day[]): StatisticsAnswer['shadows'] {
  const keys = new Set(days.flatMap(({ shadow }) => Object.keys(shadow)));
  return [...keys].map((key) => {
    const [sha256 = '', shadowSha256 = ''] = key.split(' ');
    const ofPair = days.flatMap(({ shadow }) => shadow[key] ?? []);
    const counted = new Map<string, number>();
    for (const { decisions } of ofPair)
      for (const [network, answers] of Object.entries(decisions))
        for (const [shadow, count] of Object.entries(answers)) {
          const names = `${network}\n${shadow}`;
          counted.set(names, (counted.get(names) ?? 0) + count);
        }
    const all = [...counted].map(([names, count]) => {
      const [network = '', shadow = ''] = names.split('\n');
      return { network, shadow, count };
    });
    const sumOf = (counted: typeof all) => sum(counted.map(({ count }) => count));
    const answered = all.filter(({ shadow }) => shadow !== 'failed');
    const partings = answered.filter(({ network, shadow }) => network !== shadow);
    const right = (who: keyof ShadowDay['right']) => sum(ofPair.map((day) => day.right[who] ?? 0));
    const [onlyNetwork, onlyShadow] = [right('network'), right('shadow')];
    return {
      network: { name: networks[sha256] ?? '', sha256 },
      shadow: { name: networks[shadowSha256] ?? '', sha256: shadowSha256 },
      decided: sumOf(answered),
      failed: sumOf(all) - sumOf(answered),
      partings: partings.sort((a, b) => b.count - a.count || (a.network < b.network ? -1 : 1)),
      right: {
        both: right('both'),
        onlyNetwork,
        onlyShadow,
        neither: right('neither'),
        p: mcnemar(onlyNetwork, onlyShadow).exact,
      },
    };
  });
}

function agreementOf({ networks }: DailyCounts, days: readonly Day[], inUse: KnownNetwork): Agreement[] {
  return Object.entries(networks).flatMap(([sha256, name]) => {
    const of: Agreement = {
      network: { name, sha256 },
      confirmed: 0,
      corrected: 0,
      unsure: { confirmed: 0, corrected: 0 },
      categories: [],
    };
    const byNetworksAnswer = days.flatMap(({ agreement }) => Object.entries(agreement[sha256] ?? {}));
    for (const [networksAnswer, answers] of byNetworksAnswer)
      for (const [answer, count] of Object.entries(answers)) {
        const isUnsure = networksAnswer.startsWith(unsurePrefix);
        const shown = networksAnswer.slice(isUnsure ? unsurePrefix.length : 0);
        const isOfNone = sha256 === inUse.sha256 && !inUse.classes.includes(answer);
        const verdict = verdictBetween(shown, answer, isOfNone);
        if (isUnsure) {
          of.unsure[verdict] += count;
          continue;
        }
        of[verdict] += count;
        const category = categoryOf(of, networksAnswer);
        category[verdict] += count;
        if (verdict === 'corrected') addAnswer(category, answer === noCategory ? null : answer, count);
      }
    of.categories.sort((a, b) => (a.category < b.category ? -1 : 1));
    for (const { insteadOf } of of.categories) insteadOf.sort((a, b) => b.count - a.count);
    return of.confirmed + of.corrected + of.unsure.confirmed + of.unsure.corrected > 0 ? [of] : [];
  });
}

function categoryOf({ categories }: Agreement, name: string): Agreement['categories'][number] {
  const known = categories.find(({ category }) => category === name);
  if (known !== undefined) return known;
  const made = { category: name, confirmed: 0, corrected: 0, insteadOf: [] };
  categories.push(made);
  return made;
}

function addAnswer(
  { insteadOf }: Agreement['categories'][number],
  category: string | null,
  count: number,
): void {
  const known = insteadOf.find((each) => each.category === category);
  if (known === undefined) insteadOf.push({ category, count });
  else known.count += count;
}
