import { untracked, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { ticks } from '../api/live.js';
import { readFilters } from '../state/filters.js';
import { notifyDone, notifyOnError } from '../state/notices.js';
import { currentEntry } from '../state/review.js';
import { go, goInstead, instanceHref, type Route, route } from '../state/route.js';
import { mayReview } from '../state/session.js';
import * as list from '../state/worklist.js';
import { texts } from '../texts/index.js';
import { Key } from '../ui/keys.js';
import { useShortcuts } from '../ui/shortcuts.js';
import { Filters } from './filters.js';
import { Tabs } from './tabs.js';
import { Tile } from './tile.js';

/** What a page lists. The patient that was searched for is in the list's own state alone. */
function wantedBy(shown: Route): list.Source | undefined {
  if (shown.page === 'study') return { study: shown.study };
  return shown.page === 'worklist' ? { filters: readFilters(shown.query) } : undefined;
}

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

export function WorklistPage() {
  const tiles = useRef<HTMLUListElement>(null);
  useSignalEffect(() => {
    const { value } = route;
    // After a reload, or another list, nothing knows the patient any more.
    if (value.page === 'patient' && !('patient' in list.source.peek())) return goInstead('#/');
    const wanted = wantedBy(value);
    if (wanted === undefined) return;
    // Coming back from a picture, the list is as it was left.
    if (!isSame(wanted, list.source.peek()) || list.items.peek().length === 0)
      untracked(() => notifyOnError(list.openList(wanted)));
  });
  // Coming back from a picture, the focus is on its tile.
  useEffect(() => {
    const last = currentEntry.peek()?.instance;
    if (last !== undefined)
      document.querySelector<HTMLElement>(`a.tile[href="${instanceHref(last)}"]`)?.focus();
  }, []);
  const focusTile = (by: number) => focusNeighbour(tiles.current, by);
  const focusRow = (by: 1 | -1) => focusTile(by * columnsOf(tiles.current));
  useShortcuts(texts.keysWorklist, [
    {
      keys: ['ArrowRight', 'j'],
      repeats: true,
      description: texts.keyNextPicture,
      run: () => focusTile(1),
    },
    {
      keys: ['ArrowLeft', 'k'],
      repeats: true,
      description: texts.keyPreviousPicture,
      run: () => focusTile(-1),
    },
    { keys: ['ArrowDown'], repeats: true, description: texts.keyRowBelow, run: () => focusRow(1) },
    { keys: ['ArrowUp'], repeats: true, description: texts.keyRowAbove, run: () => focusRow(-1) },
    { keys: ['s'], description: texts.keyReviewFirst, run: () => notifyOnError(startReview()) },
    { keys: ['/'], description: texts.keySearch, run: () => document.getElementById('search')?.focus() },
    { keys: ['r'], description: texts.keyRefresh, run: () => notifyOnError(list.reloadList()) },
  ]);
  const { page } = route.value;
  return (
    <>
      <h1 class="visually-hidden">
        {page === 'study'
          ? texts.worklistStudyTitle
          : page === 'patient'
            ? texts.pageTitles.patient
            : texts.pageTitles.worklist}
      </h1>
      {page === 'study' || page === 'patient' ? (
        <p class="one-study">
          {page === 'study' ? texts.worklistStudyNote : texts.worklistPatientNote}{' '}
          <a href="#/">{texts.worklistAllStudies}</a>
        </p>
      ) : (
        <>
          <Tabs />
          <Filters />
        </>
      )}
      <ListStatus />
      <ul class="tiles" ref={tiles} aria-busy={list.loading.value}>
        {list.items.value.map((entry) => (
          <Tile key={entry.instance} entry={entry} />
        ))}
      </ul>
      <More />
    </>
  );
}

async function startReview(): Promise<void> {
  const first = await list.firstUnsettled();
  if (first === undefined) notifyDone(texts.worklistNoneFound[list.whyNoneFound()]);
  else go(instanceHref(first.instance));
}

/** How long the list is, whether it has grown since it was loaded, and what is wrong. */
function ListStatus() {
  const shown = list.items.value.length;
  const summary = list.loading.value
    ? texts.loading
    : shown === 0
      ? texts.worklistEmpty
      : texts.worklistCount(shown, list.total.value, list.hasMore());
  return (
    <div class="list-status">
      {list.problem.value === undefined ? (
        <p role="status">{summary}</p>
      ) : (
        <p role="alert" class="error-text">
          {list.problem.value}
        </p>
      )}
      {shown > 0 && (
        <button type="button" class="strong" onClick={() => notifyOnError(startReview())}>
          {texts.worklistReview} <Key name="s" />
        </button>
      )}
      {shown > 0 && mayReview.value && (
        <a class="button" href="#/grid">
          {texts.gridOpen} <Key name="g" />
        </a>
      )}
      <button type="button" onClick={() => notifyOnError(list.reloadList())}>
        {list.newCount.value > 0 ? texts.worklistShowNew(list.newCount.value) : texts.worklistRefresh}
      </button>
    </div>
  );
}

/** Loads the next page when the end of the list comes near. Where the browser does not report that, by a button. */
function More() {
  const element = useRef<HTMLDivElement>(null);
  const isNear = useSignal(false);
  useEffect(() => {
    const observer = new IntersectionObserver(
      (changes) => {
        isNear.value = changes.at(-1)?.isIntersecting === true;
      },
      { root: document.getElementById('main'), rootMargin: '600px' },
    );
    if (element.current) observer.observe(element.current);
    return () => observer.disconnect();
  }, [isNear]);
  useSignalEffect(() => {
    const isDue = isNear.value && !list.loading.value && list.items.value.length > 0 && list.hasMore();
    if (isDue && list.problem.value === undefined) untracked(() => notifyOnError(list.loadMore()));
  });
  useSignalEffect(() => {
    // An empty list has no entry to move away under the reader: it is loaded again by itself.
    if (
      ticks.value > 0 &&
      list.items.peek().length === 0 &&
      !list.loading.peek() &&
      route.peek().page === 'worklist'
    )
      untracked(() => notifyOnError(list.reloadList()));
  });
  const hasMore = list.items.value.length > 0 && list.hasMore();
  return (
    <div ref={element} class="more">
      {hasMore && (
        <button type="button" onClick={() => notifyOnError(list.loadMore())}>
          {texts.worklistMore}
        </button>
      )}
    </div>
  );
}

function focusNeighbour(tiles: HTMLElement | null, by: number): void {
  const links = [...(tiles?.querySelectorAll<HTMLAnchorElement>('a.tile') ?? [])];
  const at = links.findIndex((link) => link.matches(':focus'));
  const to = at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by;
  links[to]?.focus();
}

function columnsOf(tiles: HTMLElement | null): number {
  return tiles === null ? 1 : getComputedStyle(tiles).gridTemplateColumns.split(' ').length;
}
