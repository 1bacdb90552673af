import { status } from '../api/live.js';
import type { Status } from '../api/schema.js';
import { texts } from '../texts/index.js';
import type { Said } from '../texts/reasons.js';
import { SaidText } from '../ui/said-text.js';

type Pair = [name: string, value: string | Said];

/** What classifies, and the state of the queue, of Orthanc and of the sweep. */
export function Engine() {
  const { value } = status;
  if (value === undefined) return null;
  const { network, shadow, engine, queue, sweep, orthanc, version, stateProblem, stateFailure } = value;
  const pairs: Pair[] = [
    [texts.engineNetwork, `${network.name} (${network.sha256.slice(0, 12)}…)`],
    ...(shadow === undefined
      ? []
      : [
          [
            texts.engineShadow,
            shadow.problem === undefined
              ? (shadow.network?.name ?? '')
              : texts.failureReason(shadow.problem, shadow.failure),
          ] satisfies Pair,
        ]),
    [texts.enginePurpose, network.purpose === 'research' ? texts.enginePurposeResearch : network.purpose],
    [texts.engineEngine, texts.engineOnDevice(engine.engine, engine.device)],
    ...engine.declined.map(
      ({ engine: name, reason, failure }): Pair => [
        texts.engineDeclined(name),
        texts.failureReason(reason, failure),
      ],
    ),
    [texts.engineQueue, texts.engineQueueCounts(queue.running, queue.waiting, queue.delayed)],
    [
      texts.engineOrthanc,
      orthanc.up
        ? texts.engineOrthancUp
        : orthanc.why === undefined
          ? texts.engineOrthancAway
          : texts.failureReason(orthanc.why, orthanc.failure),
    ],
    ...(stateProblem === undefined
      ? []
      : [[texts.engineState, texts.failureReason(stateProblem, stateFailure)] satisfies Pair]),
    [texts.engineVersion, version],
  ];
  return (
    <section class="panel" aria-labelledby="engine-title">
      <h2 id="engine-title">{texts.engineTitle}</h2>
      <dl class="pairs">
        {pairs.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{typeof text === 'string' ? text : <SaidText said={text} />}</dd>
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
