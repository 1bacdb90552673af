import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { callApi, sendRequest } from '../api/client.js';
import { type Quality, quality as shape } from '../api/quality-schema.js';
import { localTime } from '../base/format.js';
import { notifyOnError } from '../state/notices.js';
import { mayReview } from '../state/session.js';
import { texts } from '../texts/index.js';
import { SaidText } from '../ui/said-text.js';
import { useInterval } from '../ui/use-interval.js';
import { Figures } from './figures.js';
import { Groups } from './groups.js';

/** The report on DICOM attributes: the last one, and the progress of the next. */
export function QualityPage() {
  return (
    <>
      <div class="title-row">
        <h1>{texts.qualityTitle}</h1>
      </div>
      {mayReview.value ? <Content /> : <p>{texts.qualityFor}</p>}
    </>
  );
}

function Content() {
  const answer = useSignal<Quality | undefined>(undefined);
  const times = useInterval(2000);
  const load = async () => {
    answer.value = await callApi('quality', shape);
  };
  useEffect(() => notifyOnError(load()), []);
  useEffect(() => {
    if (answer.value?.state !== 'running') return;
    const follow = async () => {
      const progress = await callApi('quality', shape, { query: { report: 'no' } });
      if (progress.state === 'idle') return load();
      answer.value = { ...answer.value, ...progress };
    };
    notifyOnError(follow());
  }, [times]);
  const begin = async (range: object) => {
    const progress = await callApi('quality', shape, { method: 'POST', body: range });
    const { failure: _, ...before } = answer.value ?? {};
    answer.value = { ...before, ...progress };
  };
  const { value } = answer;
  if (value === undefined) return <p class="quiet">{texts.loading}</p>;
  const { state, progress, failure, report } = value;
  return (
    <div class="panels">
      <section class="panel wide quality-making" aria-label={texts.qualityMake}>
        <p class="quiet">{texts.qualityNote}</p>
        <p role="status">
          {report === undefined
            ? texts.qualityNone
            : `${texts.qualityMade(localTime(report.when), report.all.radiographs, report.from, report.to)} ${texts.qualityScore(report.networkScore)}`}
        </p>
        {report !== undefined && report.unread > 0 && <p>{texts.qualityUnread(report.unread)}</p>}
        {failure !== undefined && (
          <p role="alert" class="error-text">
            <SaidText said={texts.failureReason(failure.message, failure)} />
          </p>
        )}
        {state === 'running' && progress !== undefined ? (
          <p class="job-progress">
            <progress
              max={Math.max(progress.total ?? progress.done, 1)}
              value={progress.done}
              aria-label={texts.qualityProgressLabel}
            />
            <span>{texts.qualityProgress(progress.done, progress.total, progress.radiographs)}</span>
          </p>
        ) : (
          <Form onBegin={(range) => notifyOnError(begin(range))} />
        )}
        {report !== undefined && (
          <button type="button" onClick={() => notifyOnError(saveCsv())}>
            {texts.qualityCsv}
          </button>
        )}
      </section>
      {report !== undefined && <Figures all={report.all} />}
      {report !== undefined && <Groups report={report} />}
    </div>
  );
}

function Form({ onBegin }: { onBegin: (range: { from?: string; to?: string }) => void }) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const form = new FormData(event.currentTarget);
    onBegin(
      Object.fromEntries(
        ['from', 'to'].flatMap((name) => {
          const day = form.get(name);
          return typeof day === 'string' && day !== '' ? [[name, day]] : [];
        }),
      ),
    );
  };
  return (
    <div class="job-form">
      <form onSubmit={submit}>
        <label>
          {texts.qualityFrom}
          <input name="from" type="date" />
        </label>
        <label>
          {texts.qualityTo}
          <input name="to" type="date" />
        </label>
        <button type="submit" class="strong">
          {texts.qualityMake}
        </button>
      </form>
    </div>
  );
}

/** Fetched like all else, since a link cannot send a token. */
async function saveCsv(): Promise<void> {
  const url = URL.createObjectURL(await (await sendRequest('quality/csv')).blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = 'report.csv';
  link.click();
  URL.revokeObjectURL(url);
}
