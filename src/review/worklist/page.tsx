import { untracked, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { ticks } from '../api/live.js';
import { readFilters } from '../state/filters.js';
import { notifyOnError } from '../state/notices.js';
import { currentEntry } from '../state/review.js';
import { go, instanceHref, route } from '../state/route.js';
import * as list from '../state/worklist.js';
import { texts } from '../texts/index.js';
import { Key } from '../ui/keys.js';
import { useShortcuts } from '../ui/shortcuts.js';
import { Filters } from './filters.js';
import { Tabs } from './tabs.js';
import { Tile } from './tile.js';

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

export function WorklistPage() {
  const tiles = useRef<HTMLUListElement>(null);
  useSignalEffect(() => {
    const { value } = route;
    if (value.page !== 'worklist' && value.page !== 'study') return;
    const wanted = value.page === 'study' ? { study: value.study } : { filters: readFilters(value.query) };
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
    { keys: ['s'], description: texts.keyReviewFirst, run: startReview },
    { keys: ['/'], description: texts.keySearch, run: () => document.getElementById('search')?.focus() },
    { keys: ['r'], description: texts.keyRefresh, run: () => notifyOnError(list.reloadList()) },
  ]);
  const isStudy = 'study' in list.source.value;
  return (
    <>
      <h1 class="visually-hidden">{isStudy ? texts.worklistStudyTitle : texts.pageTitles.worklist}</h1>
      {isStudy ? (
        <p class="one-study">
          {texts.worklistStudyNote} <a href="#/">{texts.worklistAllStudies}</a>
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

function startReview(): void {
  const first = list.items.value[0];
  if (first !== undefined) go(instanceHref(first.instance));
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
        <button type="button" class="strong" onClick={startReview}>
          {texts.worklistReview} <Key name="s" />
        </button>
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
