import type { Entry } from '../api/schema.js';
import { notifyOnError } from '../state/notices.js';
import { correct, dismiss, saving } from '../state/review.js';
import { mayReview } from '../state/session.js';
import { texts } from '../texts/index.js';

/** Categories that somebody set as labels in Orthanc. A reviewer takes each for a picture of the study, or dismisses it. */
export function Proposals({ entry }: { entry: Entry }) {
  return entry.proposed?.map((category) => (
    <section key={category} class="proposal" aria-label={texts.proposalTitle(category)}>
      <p>
        {texts.proposalAsks(category)} <a href={`#/study/${entry.study}`}>{texts.orthancStudyPictures}</a>
      </p>
      {mayReview.value && (
        <div class="action-row">
          <button
            type="button"
            class="strong"
            disabled={saving.value}
            onClick={() => notifyOnError(correct(entry, category))}
          >
            {texts.proposalTake(category)}
          </button>
          <button
            type="button"
            disabled={saving.value}
            onClick={() => notifyOnError(dismiss(entry, category))}
          >
            {texts.proposalDismiss}
          </button>
        </div>
      )}
    </section>
  ));
}
