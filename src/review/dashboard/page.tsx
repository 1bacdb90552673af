import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ask, wordsOf } from '../api/client.js';
import { status } from '../api/live.js';
import { type Statistics, statistics } from '../api/schema.js';
import { worklistHref } from '../state/worklist.js';
import { count, duration, percent, stateWords } from '../ui/format.js';
import { useNowAndThen } from '../ui/use-interval.js';
import { Agreement } from './agreement.js';
import { Categories } from './categories.js';
import { Bars, type Series } from './chart.js';
import { Requests } from './requests.js';

const spans = [
  [1, 'Day'],
  [7, 'Week'],
  [30, 'Month'],
  [90, 'Quarter'],
] as const;

const decisionSeries: readonly Series<Statistics['decisions'][number]>[] = [
  { name: 'Given a category', kind: 'given', value: ({ category }) => category },
  { name: 'Needs review', kind: 'review', value: ({ needs_review }) => needs_review },
  { name: 'Unknown view', kind: 'unknown', value: ({ unknown_view }) => unknown_view },
  { name: 'Failed', kind: 'failed', value: ({ failed }) => failed },
];

/** What the service does and how well, for whoever runs it and whoever relies on it. */
export function Dashboard() {
  const days = useSignal(30);
  const told = useSignal<Statistics | undefined>(undefined);
  const trouble = useSignal<string | undefined>(undefined);
  const times = useNowAndThen(30_000);
  useEffect(() => {
    let gone = false;
    ask('statistics', statistics, { query: { days: days.value } }).then(
      (answer) => {
        if (gone) return;
        told.value = answer;
        trouble.value = undefined;
      },
      (error: unknown) => {
        if (!gone) trouble.value = wordsOf(error);
      },
    );
    return () => {
      gone = true;
    };
  }, [days.value, times]);
  return (
    <>
      <div class="title-row">
        <h1>Dashboard</h1>
        <fieldset class="segmented">
          <legend class="unseen">Time span</legend>
          {spans.map(([span, name]) => (
            <button
              key={span}
              type="button"
              aria-pressed={days.value === span}
              onClick={() => (days.value = span)}
            >
              {name}
            </button>
          ))}
        </fieldset>
      </div>
      {trouble.value !== undefined && (
        <p role="alert" class="bad-words">
          {trouble.value}
        </p>
      )}
      {told.value === undefined ? (
        trouble.value === undefined && <p class="quiet">Counting …</p>
      ) : (
        <Told told={told.value} />
      )}
    </>
  );
}

function Told({ told }: { told: Statistics }) {
  const decided = told.decisions.reduce(
    (sum, each) => sum + each.category + each.needs_review + each.unknown_view + each.failed,
    0,
  );
  const given = told.decisions.reduce((sum, each) => sum + each.category, 0);
  return (
    <>
      {!told.complete && (
        <p role="status" class="quiet">
          Still counting: the figures grow.
        </p>
      )}
      <Backlog backlog={told.backlog} />
      <div class="panels">
        <Bars
          title="Throughput"
          summary={`${count(told.throughput.reduce((sum, each) => sum + each.decided, 0))} decisions`}
          rows={told.throughput}
          bucket={told.bucket}
          series={[{ name: 'Decisions', kind: 'given', value: ({ decided: number }) => number }]}
        />
        <Bars
          title="Decisions"
          summary={`${percent(given, decided)} given a category without a person`}
          rows={told.decisions}
          bucket="day"
          series={decisionSeries}
        />
        <Agreement told={told.agreement} />
        <Categories told={told} />
        <Engine />
        <Requests />
      </div>
    </>
  );
}

function Backlog({ backlog }: { backlog: Statistics['backlog'] }) {
  const states = ['needs_review', 'unknown_view', 'order_mismatch', 'classification_failed'] as const;
  return (
    <nav class="backlog" aria-label="Backlog">
      {states.map((state) => (
        <a key={state} href={worklistHref({ state })} class={backlog[state] === 0 ? 'none' : state}>
          <strong>{backlog[state] === undefined ? '–' : count(backlog[state])}</strong> {stateWords[state]}
        </a>
      ))}
    </nav>
  );
}

function Engine() {
  const told = status.value;
  if (told === undefined) return null;
  const { network, engine, queue, sweep, orthanc, version } = told;
  const pairs: [string, string][] = [
    ['Network', `${network.name} (${network.sha256.slice(0, 12)}…)`],
    ['May be used for', network.purpose === 'research' ? 'research and evaluation only' : network.purpose],
    ['Engine', `${engine.engine} on ${engine.device}`],
    ...engine.declined.map(({ engine: name, reason }): [string, string] => [`Not ${name}`, reason]),
    [
      'Queue',
      `${count(queue.running)} in work, ${count(queue.waiting)} waiting, ${count(queue.delayed)} to be tried again`,
    ],
    ['Orthanc', orthanc.up ? 'answers' : (orthanc.why ?? 'does not answer')],
    ['Version', version],
  ];
  return (
    <section class="panel" aria-labelledby="engine-title">
      <h2 id="engine-title">Engine and network</h2>
      <dl class="pairs">
        {pairs.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        {sweep.state !== 'idle' && (
          <div>
            <dt>Sweep</dt>
            <dd>
              <progress max={Math.max(sweep.total, 1)} value={sweep.done} aria-label="Sweep of the archive" />{' '}
              {count(sweep.done)} of {count(sweep.total)} series
              {sweep.secondsLeft !== undefined && `, ${duration(sweep.secondsLeft)} to go`}
            </dd>
          </div>
        )}
      </dl>
    </section>
  );
}
