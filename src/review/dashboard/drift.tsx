import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { callApi } from '../api/client.js';
import { type DriftChange, drift as shape } from '../api/dashboard-schema.js';
import { localTime } from '../base/format.js';
import { notifyOnError } from '../state/notices.js';
import { instanceHref } from '../state/route.js';
import { mayAdminister } from '../state/session.js';
import { texts } from '../texts/index.js';
import { useInterval } from '../ui/use-interval.js';

/** Stations whose pictures are not what they were. Nothing where there are none. */
export function Drift() {
  const changes = useSignal<readonly DriftChange[]>([]);
  const times = useInterval(30_000);
  useEffect(() => {
    notifyOnError(
      callApi('drift', shape).then((answer) => {
        changes.value = answer.changes;
      }),
    );
  }, [times]);
  if (changes.value.length === 0) return null;
  const accept = async (station: string) => {
    const answer = await callApi('drift/accept', shape, { method: 'POST', body: { station } });
    changes.value = answer.changes;
  };
  const stations = [...new Set(changes.value.map(({ station }) => station))];
  return (
    <section class="panel wide" aria-labelledby="drift-title">
      <h2 id="drift-title">{texts.driftTitle}</h2>
      {stations.map((station) => (
        <div key={station}>
          <h3>{station}</h3>
          <ul>
            {changes.value
              .filter((change) => change.station === station)
              .map((change) => (
                <Change key={`${change.category} ${change.signal}`} change={change} />
              ))}
          </ul>
          {mayAdminister.value && (
            <button type="button" onClick={() => notifyOnError(accept(station))}>
              {texts.driftAccept(station)}
            </button>
          )}
        </div>
      ))}
    </section>
  );
}

function Change({ change: { category, signal, when, before, now, examples } }: { change: DriftChange }) {
  return (
    <li>
      {texts.driftChange(texts.driftSignals[signal], before, now, category)}{' '}
      <span class="quiet">{texts.driftSince(localTime(when))}</span>{' '}
      {examples.map((instance, index) => (
        <a key={instance} href={instanceHref(instance)}>
          {texts.driftExample(index + 1)}
        </a>
      ))}
    </li>
  );
}
