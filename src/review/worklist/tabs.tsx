import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { worklistStates } from '../../contract/states.js';
import { callApi } from '../api/client.js';
import { type Statistics, statistics } from '../api/schema.js';
import { count } from '../base/format.js';
import { worklistHref } from '../state/filters.js';
import { source } from '../state/worklist.js';
import { texts } from '../texts/index.js';
import { useInterval } from '../ui/use-interval.js';

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
  return (
    <nav class="tabs" aria-label={texts.worklistLists}>
      {worklistStates.map((state) => {
        const number = state === 'recent' ? undefined : backlog.value?.[state];
        return (
          <a
            key={state}
            href={worklistHref({ ...filters, state })}
            aria-current={filters?.state === state ? 'page' : undefined}
          >
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
