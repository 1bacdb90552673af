import { batch, signal } from '@preact/signals';
import * as z from 'zod/mini';
import { callApi, isAbort, messageOf } from '../api/client.js';
import { type Entry, entry as entryShape, worklistPage } from '../api/schema.js';
import { type WorklistFilters, worklistHref } from './filters.js';
import { patientHref } from './route.js';

/** A patient's identifier is kept here alone: never in an address, which servers log. */
export type Source = { filters: WorklistFilters } | { study: string } | { patient: string };

/** The list that "next" and "previous" go through. A decided entry stays in it until the list is loaded again. */
export const source = signal<Source>({ filters: { state: 'needs_review' } });
export const items = signal<readonly Entry[]>([]);
export const total = signal<number | undefined>(undefined);
export const loading = signal(false);
export const problem = signal<string | undefined>(undefined);
/** How many instances belong to this list by now and are not in it. */
export const newCount = signal(0);

const pageSize = 48;
let nextCursor: string | undefined;
let controller: AbortController | undefined;

export const hasMore = (): boolean => nextCursor !== undefined;

/** The address of the list. */
export const listHref = (): string => {
  const { value } = source;
  if ('study' in value) return `#/study/${value.study}`;
  return 'patient' in value ? patientHref : worklistHref(value.filters);
};

/** Where the same list is loaded again, the old entries stay until the new ones are there: the service may be away. */
export async function openList(wanted: Source): Promise<void> {
  controller?.abort();
  controller = new AbortController();
  batch(() => {
    if (source.value !== wanted) {
      items.value = [];
      total.value = undefined;
    }
    source.value = wanted;
    newCount.value = 0;
  });
  nextCursor = undefined;
  if ('study' in wanted)
    await load(
      async (signal) => ({
        items: await callApi(`studies/${wanted.study}/instances`, z.array(entryShape), { signal }),
      }),
      controller,
      true,
    );
  else if ('patient' in wanted)
    await load(
      (signal) =>
        callApi('worklist/patient', worklistPage, {
          method: 'POST',
          body: { patientId: wanted.patient },
          signal,
        }),
      controller,
      true,
    );
  else await loadMore(true);
}

export const reloadList = (): Promise<void> => openList(source.value);

/** Fetches the list's next page, if there is one. */
export async function loadMore(first = false): Promise<void> {
  const wanted = source.value;
  if (!('filters' in wanted) || (!first && nextCursor === undefined) || (loading.value && !first)) return;
  const opened = controller ?? new AbortController();
  const enough = (first ? 0 : items.value.length) + pageSize / 2;
  let isFirst = first;
  do {
    const cursor = nextCursor === undefined ? {} : { cursor: nextCursor };
    const query = { ...wanted.filters, limit: pageSize, ...cursor };
    // The service examines a bounded number of instances per page: a page may be short, even empty, amid the list.
    await load((signal) => callApi('worklist', worklistPage, { query, signal }), opened, isFirst);
    isFirst = false;
  } while (
    nextCursor !== undefined &&
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
    nextCursor = page.next;
  } catch (error) {
    if (!isAbort(error)) problem.value = messageOf(error);
  } finally {
    if (!signal.aborted) loading.value = false;
  }
}

/** Puts the newest state of an instance into the list, where the list has it. */
export function updateEntry(entry: Entry): void {
  items.value = items.value.map((known) => (known.instance === entry.instance ? entry : known));
}

/** Fetches all that is known of an instance (lists leave fields out), and updates the list. */
export async function fetchEntry(instance: string): Promise<Entry> {
  const entry = await callApi(`instances/${instance}`, entryShape);
  updateEntry(entry);
  return entry;
}

/** The entry before or after the instance; loads the next page where the list ends. */
export async function neighbour(instance: string, by: 1 | -1): Promise<Entry | undefined> {
  const at = positionOf(instance);
  // An instance that is not in the list: begin with the list.
  if (at < 0) return items.value.find((known) => known.instance !== instance);
  if (at + by >= items.value.length) await loadMore();
  return items.value[at + by];
}

/** Whether a person has looked at it, and nothing is open there. */
export const isSettled = ({ who, acknowledged, open }: Entry): boolean =>
  (who === 'person' || acknowledged !== undefined) && open.length === 0;

/** What people have settled can be a long list. */
const mostPagesSearched = 10;

/** The first entry that no person has settled, on one of the next pages too. */
export async function firstUnsettled(): Promise<Entry | undefined> {
  let seen = 0;
  for (let pages = 0; pages < mostPagesSearched; pages++) {
    const found = items.value.slice(seen).find((entry) => !isSettled(entry));
    seen = items.value.length;
    if (found !== undefined || !hasMore()) return found;
    await loadMore();
    if (problem.value !== undefined) return undefined;
  }
  return undefined;
}

/** Why none was found. `more`: the search has not come to the end of the list. */
export function whyNoneFound(): 'loading' | 'more' | 'empty' | 'settled' {
  if (loading.value) return 'loading';
  if (hasMore() || problem.value !== undefined) return 'more';
  return items.value.length === 0 ? 'empty' : 'settled';
}

/** Position of an instance in the list, from 0; -1 where it is not in it. */
export const positionOf = (instance: string): number =>
  items.value.findIndex((known) => known.instance === instance);
