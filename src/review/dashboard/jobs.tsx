import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import * as z from 'zod/mini';
import { callApi } from '../api/client.js';
import { type ReclassificationJob, reclassificationJob } from '../api/dashboard-schema.js';
import { count, localTime } from '../base/format.js';
import { notifyOnError } from '../state/notices.js';
import { mayAdminister } from '../state/session.js';
import { texts } from '../texts/index.js';
import { SaidText } from '../ui/said-text.js';
import { JobForm } from './job-form.js';

const shownAtMost = 10;

/** The latest reclassification jobs and their progress. An admin starts and cancels them. */
export function Jobs() {
  const jobs = useSignal<readonly ReclassificationJob[]>([]);
  const refresh = async () => {
    jobs.value = await callApi('requests', z.array(reclassificationJob));
  };
  useEffect(() => {
    notifyOnError(refresh());
    const timer = setInterval(() => refresh().catch(() => undefined), 2000);
    return () => clearInterval(timer);
  }, []);
  return (
    <section class="panel wide" aria-labelledby="jobs-title">
      <h2 id="jobs-title">{texts.jobsTitle}</h2>
      {mayAdminister.value && <JobForm onStarted={() => notifyOnError(refresh())} />}
      {jobs.value.length === 0 && <p class="quiet">{texts.jobsNone}</p>}
      <ul class="jobs">
        {jobs.value.slice(0, shownAtMost).map((job) => (
          <Job key={job.id} job={job} onCancelled={refresh} />
        ))}
      </ul>
    </section>
  );
}

function Job({ job, onCancelled }: { job: ReclassificationJob; onCancelled: () => Promise<void> }) {
  const isRunning = job.state === 'running';
  const cancel = async () => {
    await callApi(`requests/${job.id}`, reclassificationJob, { method: 'DELETE' });
    await onCancelled();
  };
  const secondsLeft = isRunning && job.rate > 0 ? (job.asked - job.answered) / job.rate : undefined;
  return (
    <li>
      <div>
        <strong>{selectionText(job.selection)}</strong>
        {job.includingCorrected && texts.jobIncludingCorrected}
        <span class="quiet">{texts.jobRequested(job.who, localTime(job.when))}</span>
      </div>
      <div class="job-progress">
        {!job.dryRun && (
          <progress max={Math.max(job.asked, 1)} value={job.answered} aria-label={texts.jobProgressLabel} />
        )}
        <span>
          {job.dryRun
            ? texts.jobCounted(job.asked, isRunning)
            : texts.jobProgress(job.answered, job.asked, secondsLeft)}
          {texts.jobLeftAlone(job.corrected, job.otherVersion)} · {texts.jobStates[job.state]}
        </span>
        {isRunning && mayAdminister.value && (
          <button type="button" onClick={() => notifyOnError(cancel())}>
            {texts.jobCancel}
          </button>
        )}
      </div>
      {job.problem !== undefined && (
        <p class="error-text">
          <SaidText said={texts.failureReason(job.problem, job.failure)} />
        </p>
      )}
    </li>
  );
}

/** In the API's own names, so that a reader can send the same selection to the API. */
function selectionText(selection: ReclassificationJob['selection']): string {
  if (selection.all === true) return texts.jobEverything;
  return Object.entries(selection)
    .map(
      ([name, value]) =>
        `${name} ${Array.isArray(value) ? count(value.length) : typeof value === 'object' ? JSON.stringify(value) : value}`,
    )
    .join(', ');
}
