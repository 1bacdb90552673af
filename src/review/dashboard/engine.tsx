import { status } from '../api/live.js';
import type { Status } from '../api/schema.js';
import { texts } from '../texts/index.js';

/** What classifies, and the state of the queue, of Orthanc and of the sweep. */
export function Engine() {
  const { value } = status;
  if (value === undefined) return null;
  const { network, shadow, engine, queue, sweep, orthanc, version, stateProblem } = value;
  const pairs: [name: string, value: string][] = [
    [texts.engineNetwork, `${network.name} (${network.sha256.slice(0, 12)}…)`],
    ...(shadow === undefined
      ? []
      : [[texts.engineShadow, shadow.problem ?? shadow.network?.name ?? ''] satisfies [string, string]]),
    [texts.enginePurpose, network.purpose === 'research' ? texts.enginePurposeResearch : network.purpose],
    [texts.engineEngine, texts.engineOnDevice(engine.engine, engine.device)],
    ...engine.declined.map(({ engine: name, reason }): [string, string] => [
      texts.engineDeclined(name),
      reason,
    ]),
    [texts.engineQueue, texts.engineQueueCounts(queue.running, queue.waiting, queue.delayed)],
    [texts.engineOrthanc, orthanc.up ? texts.engineOrthancUp : (orthanc.why ?? texts.engineOrthancAway)],
    ...(stateProblem === undefined ? [] : [[texts.engineState, stateProblem] satisfies [string, string]]),
    [texts.engineVersion, version],
  ];
  return (
    <section class="panel" aria-labelledby="engine-title">
      <h2 id="engine-title">{texts.engineTitle}</h2>
      <dl class="pairs">
        {pairs.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
        {sweep.state !== 'idle' && <Sweep sweep={sweep} />}
      </dl>
    </section>
  );
}

function Sweep({ sweep: { done, total, secondsLeft } }: { sweep: Status['sweep'] }) {
  return (
    <div>
      <dt>{texts.sweepTitle}</dt>
      <dd>
        <progress max={Math.max(total, 1)} value={done} aria-label={texts.sweepLabel} />{' '}
        {texts.sweepProgress(done, total, secondsLeft)}
      </dd>
    </div>
  );
}
