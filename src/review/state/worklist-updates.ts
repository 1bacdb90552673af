import { effect } from '@preact/signals';
import { callApi } from '../api/client.js';
import { connection, onDecided, ticks } from '../api/live.js';
import { type DecidedEvent, worklistPage } from '../api/schema.js';
import { fetchEntry, items, loading, newCount, positionOf, source, updateEntry } from './worklist.js';

/** Keeps the list up to date, by events and by polling. @returns a function that stops it */
export function startWorklistUpdates(): () => void {
  const stopEvents = onDecided(applyEvent);
  const stopPolling = effect(() => {
    // Every third tick: a page of the list costs the service more than a status.
    if (ticks.value % 3 === 2 && connection.peek() === 'polling') checkForNews().catch(() => undefined); // tried again
  });
  return () => {
    stopEvents();
    stopPolling();
  };
}

/** Whether a decision alone puts an instance into the list: precise enough to count what is new. */
const belongs = ({ decision, who }: Pick<DecidedEvent, 'decision' | 'who'>): boolean => {
  const wanted = source.value;
  if (!('filters' in wanted)) return false;
  const { state } = wanted.filters;
  if (state === 'recent') return true;
  if (state === 'settled_by_person' || who === 'person')
    return state === 'settled_by_person' && who === 'person';
  return state === decision || (state === 'classification_failed' && decision === 'failed');
};

function applyEvent(event: DecidedEvent): void {
  const known = items.value.find(({ instance }) => instance === event.instance);
  if (known === undefined && belongs(event)) newCount.value++;
  if (known !== undefined && known.when !== event.when)
    fetchEntry(event.instance).catch(() => {
      newCount.value++; // it cannot be fetched now: the reader is offered to load the list again
    });
}

const checkedAtOnce = 12;

/** Where no events come through: checks whether the beginning of the list has changed. */
async function checkForNews(): Promise<void> {
  const wanted = source.peek();
  if (!('filters' in wanted) || loading.peek()) return;
  const page = await callApi('worklist', worklistPage, {
    query: { ...wanted.filters, limit: checkedAtOnce },
  });
  if (source.value !== wanted) return;
  const known = new Map(items.value.map((entry) => [entry.instance, entry.when]));
  for (const entry of page.items)
    if (known.has(entry.instance) && known.get(entry.instance) !== entry.when) updateEntry(entry);
  newCount.value = page.items.filter(({ instance }) => !known.has(instance)).length;
  // An entry that is no longer in this part of the service's list was decided elsewhere.
  const listed = new Set(page.items.map(({ instance }) => instance));
  const end =
    page.next === undefined
      ? items.value.length
      : 1 + Math.max(...page.items.map(({ instance }) => positionOf(instance)));
  const gone = items.value.slice(0, end).filter((each) => belongs(each) && !listed.has(each.instance));
  for (const { instance } of gone.slice(0, checkedAtOnce)) await fetchEntry(instance);
}
