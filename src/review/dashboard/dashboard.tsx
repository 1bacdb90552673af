import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { openStates } from '../../contract/states.js';
import { callApi, messageOf } from '../api/client.js';
import { type Statistics, statistics as statisticsShape } from '../api/schema.js';
import { count } from '../base/format.js';
import { worklistHref } from '../state/filters.js';
import { texts } from '../texts/index.js';
import { useInterval } from '../ui/use-interval.js';
import { Agreement } from './agreement.js';
import { Categories } from './categories.js';
import { Bars, type Series } from './chart.js';
import { Drift } from './drift.js';
import { Engine } from './engine.js';
import { Jobs } from './jobs.js';
import { Shadows } from './shadows.js';

/** In days. */
const spans = [
  [1, 'day'],
  [7, 'week'],
  [30, 'month'],
  [90, 'quarter'],
] as const;

const decisionSeries: readonly Series<Statistics['decisions'][number]>[] = [
  { name: texts.decisionNames.category, kind: 'given', value: ({ category }) => category },
  { name: texts.decisionNames.needs_review, kind: 'review', value: ({ needs_review }) => needs_review },
  { name: texts.decisionNames.unknown_view, kind: 'unknown', value: ({ unknown_view }) => unknown_view },
  { name: texts.decisionNames.failed, kind: 'failed', value: ({ failed }) => failed },
];

/** What the service does and how well, for operators and for readers. */
export function Dashboard() {
  const days = useSignal(30);
  const statistics = useSignal<Statistics | undefined>(undefined);
  const error = useSignal<string | undefined>(undefined);
  const times = useInterval(30_000);
  useEffect(() => {
    let cancelled = false;
    callApi('statistics', statisticsShape, { query: { days: days.value } }).then(
      (answer) => {
        if (cancelled) return;
        statistics.value = answer;
        error.value = undefined;
      },
      (caught: unknown) => {
        if (!cancelled) error.value = messageOf(caught);
      },
    );
    return () => {
      cancelled = true;
    };
  }, [days.value, times]);
  return (
    <>
      <div class="title-row">
        <h1>{texts.dashboardTitle}</h1>
        <fieldset class="segmented">
          <legend class="visually-hidden">{texts.dashboardSpan}</legend>
          {spans.map(([span, name]) => (
            <button
              key={span}
              type="button"
              aria-pressed={days.value === span}
              onClick={() => (days.value = span)}
            >
              {texts.dashboardSpans[name]}
            </button>
          ))}
        </fieldset>
      </div>
      {error.value !== undefined && (
        <p role="alert" class="error-text">
          {error.value}
        </p>
      )}
      {statistics.value === undefined ? (
        error.value === undefined && <p class="quiet">{texts.dashboardCounting}</p>
      ) : (
        <Panels statistics={statistics.value} />
      )}
    </>
  );
}

function Panels({ statistics }: { statistics: Statistics }) {
  const decided = statistics.decisions.reduce(
    (sum, each) => sum + each.category + each.needs_review + each.unknown_view + each.failed,
    0,
  );
  const given = statistics.decisions.reduce((sum, each) => sum + each.category, 0);
  return (
    <>
      {!statistics.complete && (
        <p role="status" class="quiet">
          {texts.dashboardIncomplete}
        </p>
      )}
      <Backlog backlog={statistics.backlog} />
      <div class="panels">
        <Drift />
        <Bars
          title={texts.throughputTitle}
          summary={texts.throughputSummary(
            statistics.throughput.reduce((sum, each) => sum + each.decided, 0),
          )}
          rows={statistics.throughput}
          bucket={statistics.bucket}
          series={[{ name: texts.throughputSeries, kind: 'given', value: ({ decided: number }) => number }]}
        />
        <Bars
          title={texts.decisionsTitle}
          summary={texts.decisionsSummary(given, decided)}
          rows={statistics.decisions}
          bucket="day"
          series={decisionSeries}
        />
        <Agreement networks={statistics.agreement} answers={statistics.acknowledged} />
        <Shadows shadows={statistics.shadows} />
        <Categories statistics={statistics} />
        <Engine />
        <Jobs />
      </div>
    </>
  );
}

function Backlog({ backlog }: { backlog: Statistics['backlog'] }) {
  return (
    <nav class="backlog" aria-label={texts.dashboardBacklog}>
      {openStates.map((state) => (
        <a key={state} href={worklistHref({ state })} class={backlog[state] === 0 ? 'none' : state}>
          <strong>{backlog[state] === undefined ? '–' : count(backlog[state])}</strong>{' '}
          {texts.stateNames[state]}
        </a>
      ))}
    </nav>
  );
}
