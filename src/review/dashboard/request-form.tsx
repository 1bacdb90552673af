import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { ask } from '../api/client.js';
import { type Run, run as runShape } from '../api/schema.js';
import { attempt, tell } from '../state/notices.js';
import { count } from '../ui/format.js';

const decisions = [
  ['', 'Any'],
  ['category', 'A category was given'],
  ['needs_review', 'Needs review'],
  ['unknown_view', 'Unknown view'],
  ['failed', 'Failed'],
] as const;

/** Asks for pictures to be classified again: counted first, begun only once the number has been seen. */
export function RequestForm({ onBegun }: { onBegun: () => void }) {
  const counted = useSignal<Run | undefined>(undefined);
  const busy = useSignal(false);
  const edits = useRef(0);

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement) || busy.value) return;
    const asked = readForm(new FormData(event.currentTarget));
    const isBegin = counted.value?.state === 'done';
    busy.value = true;
    attempt((isBegin ? begin(asked) : countFirst(asked)).finally(() => (busy.value = false)));
  };
  const begin = async (asked: object) => {
    await ask('requests', runShape, { method: 'POST', body: asked });
    counted.value = undefined;
    tell('Asked for. It goes on when this page is closed.');
    onBegun();
  };
  const countFirst = async (asked: object) => {
    const of = edits.current;
    let run = await ask('requests', runShape, { method: 'POST', body: { ...asked, dryRun: true } });
    // The number of a form that has been changed since must never stand beside what it says now.
    while (edits.current === of) {
      counted.value = run;
      if (run.state !== 'running') return;
      await new Promise((resolve) => setTimeout(resolve, 300));
      run = await ask(`requests/${run.id}`, runShape);
    }
  };
  /** What is changed must be counted again. */
  const edited = () => {
    edits.current++;
    counted.value = undefined;
  };
  const number = counted.value;
  return (
    <details class="request-form">
      <summary>Classify again …</summary>
      <form onSubmit={submit} onInput={edited}>
        <label>
          Decision
          <select name="decision">
            {decisions.map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <label>
          Label
          <input name="label" type="text" pattern="[A-Za-z0-9_\-]{1,64}" maxLength={64} />
        </label>
        <label>
          Decided by network
          <input name="network" type="text" maxLength={128} placeholder="name or SHA-256" />
        </label>
        <label>
          Study from
          <input name="from" type="date" />
        </label>
        <label>
          Study to
          <input name="to" type="date" />
        </label>
        <label class="check">
          <input name="includingCorrected" type="checkbox" /> What people corrected too
        </label>
        <div class="action-row">
          <button type="submit" disabled={busy.value} class={number?.state === 'done' ? 'strong' : undefined}>
            {number === undefined
              ? 'Count'
              : number.state === 'running'
                ? `Counting: ${count(number.asked)} …`
                : `Classify ${count(number.asked)} again`}
          </button>
          <span role="status" class="quiet">
            {number?.state === 'failed' && number.problem}
          </span>
        </div>
      </form>
    </details>
  );
}

/** Nothing chosen means everything, which the API wants said. */
function readForm(form: FormData): { selection: object; includingCorrected: boolean } {
  const selection = Object.fromEntries(
    ['decision', 'label', 'network', 'from', 'to'].flatMap((name) => {
      const value = form.get(name);
      return typeof value === 'string' && value.trim() !== '' ? [[name, value.trim()]] : [];
    }),
  );
  return {
    selection: Object.keys(selection).length > 0 ? selection : { all: true },
    includingCorrected: form.get('includingCorrected') !== null,
  };
}
