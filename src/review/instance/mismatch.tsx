import type { Entry } from '../api/schema.js';
import { localTime } from '../base/format.js';
import { notifyOnError } from '../state/notices.js';
import * as review from '../state/review.js';
import { mayReview } from '../state/session.js';
import { texts } from '../texts/index.js';
import { Findings } from '../ui/findings.js';
import { Key } from '../ui/keys.js';
import { chooseCategory } from './review-shortcuts.js';

const longestWord = 200;

/** What differs from the order, and what a person says of it. */
export function Mismatch({ entry }: { entry: Entry }) {
  const { order, acknowledged } = entry;
  if (order === undefined || (order.answer !== 'differs' && acknowledged === undefined)) return null;
  const differing = [order.bodyPart, order.projection, order.side].filter(
    ({ answer }) => answer === 'differs',
  );
  const isAsked = review.needsAnswer(entry);
  return (
    <section class={isAsked ? 'mismatch asked' : 'mismatch'} aria-labelledby="mismatch">
      <h2 id="mismatch">{order.answer === 'differs' ? texts.mismatchTitle : texts.mismatchTitleFormer}</h2>
      <p>
        <Findings findings={differing} />
      </p>
      {acknowledged !== undefined && (
        <p>
          <strong>
            {texts.mismatchAnsweredBy(
              texts.mismatchAnswers[acknowledged.answer],
              acknowledged.who,
              localTime(acknowledged.when),
            )}
          </strong>{' '}
          {acknowledged.why}
        </p>
      )}
      {isAsked &&
        mayReview.value &&
        (review.canAnswer(entry) ? <Answers entry={entry} /> : <p>{texts.mismatchDecideFirst}</p>)}
    </section>
  );
}

function Answers({ entry }: { entry: Entry }) {
  const answer = (given: 'order_wrong' | 'no_matter') => () =>
    notifyOnError(review.acknowledge(entry, given));
  return (
    <>
      <p>{review.wrongCategory.value === entry.instance ? texts.mismatchCorrect : texts.mismatchAsk}</p>
      <div class="action-row">
        <button type="button" disabled={review.saving.value} onClick={answer('order_wrong')}>
          {texts.mismatchAnswers.order_wrong} <Key name="o" />
        </button>
        <button
          type="button"
          disabled={review.saving.value}
          aria-pressed={review.wrongCategory.value === entry.instance}
          onClick={() => notifyOnError(chooseCategory(entry))}
        >
          {texts.mismatchAnswers.category_wrong} <Key name="p" />
        </button>
        <button type="button" disabled={review.saving.value} onClick={answer('no_matter')}>
          {texts.mismatchAnswers.no_matter} <Key name="x" />
        </button>
      </div>
      <label>
        {texts.mismatchWhy}
        <input
          type="text"
          maxLength={longestWord}
          value={review.answerWord.value}
          onInput={(event) => {
            review.answerWord.value = event.currentTarget.value;
          }}
        />
      </label>
    </>
  );
}
