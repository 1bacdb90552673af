import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { callApi } from '../api/client.js';
import { type ReclassificationJob, reclassificationJob } from '../api/dashboard-schema.js';
import { decision as decisionShape } from '../api/schema.js';
import { notifyDone, notifyOnError } from '../state/notices.js';
import { texts } from '../texts/index.js';

/** Starts a reclassification job. The first click counts (a dry run), the second starts the job. */
export function JobForm({ onStarted }: { onStarted: () => void }) {
  const dryRun = useSignal<ReclassificationJob | undefined>(undefined);
  const busy = useSignal(false);
  const edits = useRef(0);

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement) || busy.value) return;
    const request = readForm(new FormData(event.currentTarget));
    const isCounted = dryRun.value?.state === 'done';
    busy.value = true;
    notifyOnError((isCounted ? start(request) : countFirst(request)).finally(() => (busy.value = false)));
  };
  const start = async (request: object) => {
    await callApi('requests', reclassificationJob, { method: 'POST', body: request });
    dryRun.value = undefined;
    notifyDone(texts.jobFormStarted);
    onStarted();
  };
  const countFirst = async (request: object) => {
    const editsBefore = edits.current;
    let job = await callApi('requests', reclassificationJob, {
      method: 'POST',
      body: { ...request, dryRun: true },
    });
    // A number never stands beside a form that has been edited since.
    while (edits.current === editsBefore) {
      dryRun.value = job;
      if (job.state !== 'running') return;
      await new Promise((resolve) => setTimeout(resolve, 300));
      job = await callApi(`requests/${job.id}`, reclassificationJob);
    }
  };
  /** An edited form must be counted again. */
  const onEdit = () => {
    edits.current++;
    dryRun.value = undefined;
  };
  const counted = dryRun.value;
  return (
    <details class="job-form">
      <summary>{texts.jobFormTitle}</summary>
      <form onSubmit={submit} onInput={onEdit}>
        <label>
          {texts.jobFormDecision}
          <select name="decision">
            <option value="">{texts.jobFormAny}</option>
            {decisionShape.options.map((decision) => (
              <option key={decision} value={decision}>
                {texts.decisionNames[decision]}
              </option>
            ))}
          </select>
        </label>
        <label>
          {texts.jobFormLabel}
          <input name="label" type="text" pattern="[A-Za-z0-9_\-]{1,64}" maxLength={64} />
        </label>
        <label>
          {texts.jobFormNetwork}
          <input name="network" type="text" maxLength={128} placeholder={texts.jobFormNetworkPlaceholder} />
        </label>
        <label>
          {texts.jobFormFrom}
          <input name="from" type="date" />
        </label>
        <label>
          {texts.jobFormTo}
          <input name="to" type="date" />
        </label>
        <label class="check">
          <input name="includingCorrected" type="checkbox" /> {texts.jobFormIncludingCorrected}
        </label>
        <div class="action-row">
          <button
            type="submit"
            disabled={busy.value}
            class={counted?.state === 'done' ? 'strong' : undefined}
          >
            {counted === undefined
              ? texts.jobFormCount
              : counted.state === 'running'
                ? texts.jobFormCounting(counted.asked)
                : texts.jobFormSubmit(counted.asked)}
          </button>
          <span role="status" class="quiet">
            {counted?.state === 'failed'
              ? counted.problem
              : counted && texts.jobLeftAlone(counted.corrected, counted.otherVersion).slice(2)}
          </span>
        </div>
      </form>
    </details>
  );
}

/** An empty selection means everything, which the API wants explicitly. */
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
