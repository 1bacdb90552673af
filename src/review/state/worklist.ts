import { batch, effect, signal } from '@preact/signals';
import * as z from 'zod/mini';
import { ask, isAbort, wordsOf } from '../api/client.js';
import { link, onDecided, ticks } from '../api/live.js';
import { type Decision, type Entry, entry as entryShape, worklistPage } from '../api/schema.js';
import { type WorklistState, worklistStates } from '../ui/format.js';

/** What the list is narrowed to, as it stands in the address. */
export interface Filters {
  state: WorklistState;
  category?: string;
  minScore?: string;
  maxScore?: string;
  /** `2024-01-31` */
  from?: string;
  to?: string;
  station?: string;
  modality?: string;
  text?: string;
}

export const filterNames = [
  'category',
  'minScore',
  'maxScore',
  'from',
  'to',
  'station',
  'modality',
  'text',
] as const;

export function readFilters(query: URLSearchParams): Filters {
  const state = worklistStates.find((known) => known === query.get('state')) ?? 'needs_review';
  const filters: Filters = { state };
  for (const name of filterNames) {
    const value = query.get(name);
    if (value !== null && value !== '') filters[name] = value;
  }
  return filters;
}

export function worklistHref(filters: Filters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) if (value !== '') query.set(name, value);
  return `#/?${query}`;
}

type Source = { filters: Filters } | { study: string };

/** The list that "next" and "previous" go through. What is decided stays in it until it is asked for anew. */
export const source = signal<Source>({ filters: { state: 'needs_review' } });
export const items = signal<readonly Entry[]>([]);
export const total = signal<number | undefined>(undefined);
export const loading = signal(false);
export const problem = signal<string | undefined>(undefined);
/** Instances of this list that were decided elsewhere or newly since it was asked for. */
export const news = signal(0);

const pageSize = 48;
let next: string | undefined;
let under: AbortController | undefined;

export const hasMore = (): boolean => next !== undefined;

/** Asked for anew, a list stays until its successor is there: the service may be away. */
export async function open(wanted: Source): Promise<void> {
  under?.abort();
  under = new AbortController();
  batch(() => {
    if (source.value !== wanted) {
      items.value = [];
      total.value = undefined;
    }
    source.value = wanted;
    news.value = 0;
  });
  next = undefined;
  if ('study' in wanted)
    await load(
      async (signal) => ({
        items: await ask(`studies/${wanted.study}/instances`, z.array(entryShape), { signal }),
      }),
      under,
      true,
    );
  else await loadMore(true);
}

/** Fetches the list's next page, if there is one. */
export async function loadMore(first = false): Promise<void> {
  const wanted = source.value;
  if ('study' in wanted || (!first && next === undefined) || (loading.value && !first)) return;
  const opened = under ?? new AbortController();
  const enough = (first ? 0 : items.value.length) + pageSize / 2;
  let isFirst = first;
  do {
    const query = { ...wanted.filters, limit: pageSize, ...(next === undefined ? {} : { cursor: next }) };
    // The service looks through a bounded number for each page, so one may be short, even empty, amid the list.
    await load((signal) => ask('worklist', worklistPage, { query, signal }), opened, isFirst);
    isFirst = false;
  } while (
    next !== undefined &&
    items.value.length < enough &&
    !opened.signal.aborted &&
    problem.value === undefined
  );
}

async function load(
  fetchPage: (signal: AbortSignal) => Promise<z.output<typeof worklistPage>>,
  { signal }: AbortController,
  isFirst: boolean,
): Promise<void> {
  loading.value = true;
  problem.value = undefined;
  try {
    const page = await fetchPage(signal);
    const before = isFirst ? [] : items.value;
    const known = new Set(before.map(({ instance }) => instance));
    batch(() => {
      items.value = [...before, ...page.items.filter(({ instance }) => !known.has(instance))];
      if (page.total !== undefined) total.value = page.total;
    });
    next = page.next;
  } catch (error) {
    if (!isAbort(error)) problem.value = wordsOf(error);
  } finally {
    if (!signal.aborted) loading.value = false;
  }
}

export const reopen = (): Promise<void> => open(source.value);

/** Puts the newest word on an instance into the list. */
export function replace(entry: Entry): void {
  items.value = items.value.map((known) => (known.instance === entry.instance ? entry : known));
}

/** Asks for all that is known of an instance: lists do not tell everything. */
export async function know(instance: string): Promise<Entry> {
  const entry = await ask(`instances/${instance}`, entryShape);
  replace(entry);
  return entry;
}

/** The entry `by` places after the instance; loads on where the list ends. */
export async function neighbour(instance: string, by: 1 | -1): Promise<Entry | undefined> {
  const at = items.value.findIndex((known) => known.instance === instance);
  // An instance that is not in the list: begin with the list.
  if (at < 0) return items.value.find((known) => known.instance !== instance);
  if (at + by >= items.value.length) await loadMore();
  return items.value[at + by];
}

/** Where in the list an instance is, from 0; -1 where it is not. */
export const placeOf = (instance: string): number =>
  items.value.findIndex((known) => known.instance === instance);

/** Whether something belongs to the list by its decision: enough to say that there is news. */
const belongs = (decision: Decision): boolean => {
  const wanted = source.value;
  if ('study' in wanted) return false;
  const { state } = wanted.filters;
  return (
    state === 'recent' || state === decision || (state === 'classification_failed' && decision === 'failed')
  );
};

onDecided((event) => {
  const known = items.value.find(({ instance }) => instance === event.instance);
  if (known === undefined && belongs(event.decision)) news.value++;
  if (known !== undefined && known.when !== event.when)
    know(event.instance).catch(() => {
      news.value++; // cannot be looked at just now: the list is to be asked for anew
    });
});

const atOnce = 12;

/** Where no events come through: looks whether the beginning of the list has changed. */
async function lookForNews(): Promise<void> {
  const wanted = source.peek();
  if ('study' in wanted || loading.peek()) return;
  const page = await ask('worklist', worklistPage, { query: { ...wanted.filters, limit: atOnce } });
  if (source.value !== wanted) return;
  const known = new Map(items.value.map((entry) => [entry.instance, entry.when]));
  for (const entry of page.items)
    if (known.has(entry.instance) && known.get(entry.instance) !== entry.when) replace(entry);
  news.value = page.items.filter(({ instance }) => !known.has(instance)).length;
  // What has left the list among those was decided elsewhere.
  const there = new Set(page.items.map(({ instance }) => instance));
  const end =
    page.next === undefined
      ? items.value.length
      : 1 + Math.max(...page.items.map(({ instance }) => placeOf(instance)));
  const left = items.value
    .slice(0, end)
    .filter((each) => belongs(each.decision) && !there.has(each.instance));
  for (const { instance } of left.slice(0, atOnce)) await know(instance);
}

effect(() => {
  if (ticks.value % 3 === 2 && link.peek() === 'asking') lookForNews().catch(() => undefined); // the next look may succeed
});
