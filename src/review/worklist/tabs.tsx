import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { openStates, type WorklistState, worklistStates } from '../../contract/states.js';
import { callApi } from '../api/client.js';
import { type Statistics, statistics } from '../api/schema.js';
import { count } from '../base/format.js';
import { inState, worklistHref } from '../state/filters.js';
import { go } from '../state/route.js';
import { source } from '../state/worklist.js';
import { texts } from '../texts/index.js';
import { useShortcuts } from '../ui/shortcuts.js';
import { useInterval } from '../ui/use-interval.js';

const isOpen = (state: WorklistState): state is (typeof openStates)[number] =>
  openStates.some((open) => open === state);

/** The lists that there are, and how long each is. */
export function Tabs() {
  const backlog = useSignal<Statistics['backlog'] | undefined>(undefined);
  const times = useInterval(30_000);
  useEffect(() => {
    callApi('statistics', statistics, { query: { days: 1 } }).then(
      (answer) => {
        backlog.value = answer.backlog;
      },
      () => undefined, // the tabs work without numbers
    );
  }, [times]);
  const wanted = source.value;
  const filters = 'filters' in wanted ? wanted.filters : undefined;
  const hrefOf = (state: WorklistState) =>
    worklistHref(filters === undefined ? { state } : inState(filters, state));
  const nav = useRef<HTMLElement>(null);
  // On a narrow screen the list that is shown may be beyond the edge.
  useEffect(
    () =>
      nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' }),
    [filters?.state],
  );
  useShortcuts(texts.keysWorklist, [
    {
      keys: worklistStates.map((_, index) => String(index + 1)),
      description: texts.keyList,
      run: (key) => {
        const state = worklistStates[Number(key) - 1];
        if (state !== undefined) go(hrefOf(state));
      },
    },
  ]);
  return (
    <nav ref={nav} class="tabs" aria-label={texts.worklistLists}>
      {worklistStates.map((state) => {
        const number = isOpen(state) ? backlog.value?.[state] : undefined;
        return (
          <a key={state} href={hrefOf(state)} aria-current={filters?.state === state ? 'page' : undefined}>
            {texts.stateNames[state]}
            {number !== undefined && (
              <span class={number > 0 ? 'number' : 'number none'}>{count(number)}</span>
            )}
          </a>
        );
      })}
    </nav>
  );
}
