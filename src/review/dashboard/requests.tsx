import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import * as z from 'zod/mini';
import { ask } from '../api/client.js';
import { type Run, run as runShape } from '../api/schema.js';
import { attempt } from '../state/notices.js';
import { mayAdminister } from '../state/session.js';
import { count, duration, localTime } from '../ui/format.js';
import { RequestForm } from './request-form.js';

/** The latest requests for reclassification: how far each is; an admin cancels or begins one. */
export function Requests() {
  const runs = useSignal<readonly Run[]>([]);
  const look = async () => {
    runs.value = await ask('requests', z.array(runShape));
  };
  useEffect(() => {
    attempt(look());
    const timer = setInterval(() => look().catch(() => undefined), 2000);
    return () => clearInterval(timer);
  }, []);
  return (
    <section class="panel wide" aria-labelledby="requests-title">
      <h2 id="requests-title">Reclassification</h2>
      {mayAdminister.value && <RequestForm onBegun={() => attempt(look())} />}
      {runs.value.length === 0 && <p class="quiet">Nothing was asked for since the service started.</p>}
      <ul class="runs">
        {runs.value.slice(0, 10).map((run) => (
          <OneRun key={run.id} run={run} onCancelled={look} />
        ))}
      </ul>
    </section>
  );
}

const states = { running: 'under way', done: 'done', cancelled: 'cancelled', failed: 'broken off' };

function OneRun({ run, onCancelled }: { run: Run; onCancelled: () => Promise<void> }) {
  const isRunning = run.state === 'running';
  const cancel = async () => {
    await ask(`requests/${run.id}`, runShape, { method: 'DELETE' });
    await onCancelled();
  };
  const left = run.rate > 0 ? `, ${duration((run.asked - run.answered) / run.rate)} for those` : '';
  return (
    <li>
      <div>
        <strong>{selectionWords(run.selection)}</strong>
        {run.includingCorrected && ', what people corrected too'}
        <span class="quiet">
          {' '}
          · {run.who}, {localTime(run.when)}
        </span>
      </div>
      <div class="run-progress">
        {!run.dryRun && (
          <progress
            max={Math.max(run.asked, 1)}
            value={run.answered}
            aria-label="Answered of those asked for"
          />
        )}
        <span>
          {run.dryRun
            ? `${count(run.asked)} ${isRunning ? 'so far' : 'would be asked for'}`
            : `${count(run.answered)} of ${count(run.asked)}${isRunning ? left : ''}`}{' '}
          · {states[run.state]}
        </span>
        {isRunning && mayAdminister.value && (
          <button type="button" onClick={() => attempt(cancel())}>
            Cancel
          </button>
        )}
      </div>
      {run.problem !== undefined && <p class="bad-words">{run.problem}</p>}
    </li>
  );
}

function selectionWords(selection: Run['selection']): string {
  if (selection.all === true) return 'Everything';
  return Object.entries(selection)
    .map(
      ([name, value]) =>
        `${name} ${Array.isArray(value) ? count(value.length) : typeof value === 'object' ? JSON.stringify(value) : value}`,
    )
    .join(', ');
}
