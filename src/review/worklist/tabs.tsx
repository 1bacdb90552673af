import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ask } from '../api/client.js';
import { type Statistics, statistics } from '../api/schema.js';
import { source, worklistHref } from '../state/worklist.js';
import { count, stateWords, worklistStates } from '../ui/format.js';
import { useNowAndThen } from '../ui/use-interval.js';

/** The lists that there are, with how long each is. */
export function Tabs() {
  const backlog = useSignal<Statistics['backlog'] | undefined>(undefined);
  const times = useNowAndThen(30_000);
  useEffect(() => {
    ask('statistics', statistics, { query: { days: 1 } }).then(
      (told) => {
        backlog.value = told.backlog;
      },
      () => undefined, // the tabs do without numbers
    );
  }, [times]);
  const wanted = source.value;
  const filters = 'filters' in wanted ? wanted.filters : undefined;
  return (
    <nav class="tabs" aria-label="Lists">
      {worklistStates.map((state) => {
        const number = state === 'recent' ? undefined : backlog.value?.[state];
        return (
          <a
            key={state}
            href={worklistHref({ ...filters, state })}
            aria-current={filters?.state === state ? 'page' : undefined}
          >
            {stateWords[state]}
            {number !== undefined && (
              <span class={number > 0 ? 'number' : 'number none'}>{count(number)}</span>
            )}
          </a>
        );
      })}
    </nav>
  );
}
