import { untracked, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { ticks } from '../api/live.js';
import { attempt } from '../state/notices.js';
import { current } from '../state/review.js';
import { go, instanceHref, route } from '../state/route.js';
import * as list from '../state/worklist.js';
import { count } from '../ui/format.js';
import { useShortcuts } from '../ui/shortcuts.js';
import { Filters } from './filters.js';
import { Tabs } from './tabs.js';
import { Tile } from './tile.js';

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

export function WorklistPage() {
  const tiles = useRef<HTMLUListElement>(null);
  useSignalEffect(() => {
    const { value } = route;
    if (value.page !== 'worklist' && value.page !== 'study') return;
    const wanted =
      value.page === 'study' ? { study: value.study } : { filters: list.readFilters(value.query) };
    // Coming back from a picture, the list is as it was left.
    if (!same(wanted, list.source.peek()) || list.items.peek().length === 0)
      untracked(() => attempt(list.open(wanted)));
  });
  // Back from a picture, the focus is where it was.
  useEffect(() => {
    const last = current.peek()?.instance;
    if (last !== undefined)
      document.querySelector<HTMLElement>(`a.tile[href="${instanceHref(last)}"]`)?.focus();
  }, []);
  const focusTile = (by: number) => focusNeighbour(tiles.current, by);
  useShortcuts('Worklist', [
    { keys: ['ArrowRight', 'j'], repeats: true, does: 'Next picture', run: () => focusTile(1) },
    { keys: ['ArrowLeft', 'k'], repeats: true, does: 'Previous picture', run: () => focusTile(-1) },
    { keys: ['ArrowDown'], repeats: true, does: 'Row below', run: () => focusTile(columnsOf(tiles.current)) },
    { keys: ['ArrowUp'], repeats: true, does: 'Row above', run: () => focusTile(-columnsOf(tiles.current)) },
    { keys: ['s'], does: 'Start with the first picture', run: startReview },
    { keys: ['/'], does: 'Search', run: () => document.getElementById('search')?.focus() },
    { keys: ['r'], does: 'Ask for the list anew', run: () => attempt(list.reopen()) },
  ]);
  const isStudy = 'study' in list.source.value;
  return (
    <>
      <h1 class="unseen">{isStudy ? 'Pictures of one study' : 'Worklist'}</h1>
      {isStudy ? (
        <p class="one-study">
          The pictures of one study. <a href="#/">All studies</a>
        </p>
      ) : (
        <>
          <Tabs />
          <Filters />
        </>
      )}
      <Told />
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

/** How much there is, whether there is more by now, and what is wrong. */
function Told() {
  const shown = list.items.value.length;
  const words = list.loading.value
    ? 'Loading …'
    : shown === 0
      ? 'Nothing here. '
      : `${count(shown)}${list.total.value !== undefined && list.total.value > shown ? ` of ${count(list.total.value)}` : list.hasMore() ? ' and more' : ''} ${shown === 1 ? 'picture' : 'pictures'}`;
  return (
    <div class="told">
      {list.problem.value === undefined ? (
        <p role="status">{words}</p>
      ) : (
        <p role="alert" class="bad-words">
          {list.problem.value}
        </p>
      )}
      {shown > 0 && (
        <button type="button" class="strong" onClick={startReview}>
          Review <kbd>S</kbd>
        </button>
      )}
      <button type="button" onClick={() => attempt(list.reopen())}>
        {list.news.value > 0 ? `${count(list.news.value)} new – show` : 'Refresh'}
      </button>
    </div>
  );
}

/** Loads on when the end of the list comes near; a button, too, for those whose browser does not tell. */
function More() {
  const place = useRef<HTMLDivElement>(null);
  const isNear = useSignal(false);
  useEffect(() => {
    const observer = new IntersectionObserver(
      (seen) => {
        isNear.value = seen.at(-1)?.isIntersecting === true;
      },
      { root: document.getElementById('main'), rootMargin: '600px' },
    );
    if (place.current) observer.observe(place.current);
    return () => observer.disconnect();
  }, [isNear]);
  useSignalEffect(() => {
    const isDue = isNear.value && !list.loading.value && list.items.value.length > 0 && list.hasMore();
    if (isDue && list.problem.value === undefined) untracked(() => attempt(list.loadMore()));
  });
  useSignalEffect(() => {
    // An empty list has nothing to lose: it fills by itself.
    if (
      ticks.value > 0 &&
      list.items.peek().length === 0 &&
      !list.loading.peek() &&
      route.peek().page === 'worklist'
    )
      untracked(() => attempt(list.reopen()));
  });
  const more = list.items.value.length > 0 && list.hasMore();
  return (
    <div ref={place} class="more">
      {more && (
        <button type="button" onClick={() => attempt(list.loadMore())}>
          Load more
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
