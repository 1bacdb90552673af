import type { Entry } from '../api/schema.js';
import { scoreText } from '../base/format.js';
import { hasKeys } from '../base/touch.js';
import { notifyOnError } from '../state/notices.js';
import { correct } from '../state/review.js';
import { mayReview } from '../state/session.js';
import { texts } from '../texts/index.js';
import { Key } from '../ui/keys.js';
import { mapCategory, mapIsOn } from './view-state.js';

/** The network's best five, as bars. Each can be explained by the map, and chosen as the correction. */
export function Candidates({ entry }: { entry: Entry }) {
  const explained = mapIsOn.value
    ? (mapCategory.value ?? entry.category ?? entry.top[0]?.category)
    : undefined;
  const explain = (category: string) => {
    mapIsOn.value = explained !== category;
    mapCategory.value = category;
  };
  if (entry.top.length === 0) return null;
  return (
    <section aria-labelledby="candidates">
      <h2 id="candidates">
        {texts.candidatesTitle} <span class="quiet">{texts.candidatesScoreNote}</span>
      </h2>
      <ol class="candidates">
        {entry.top.map(({ category, score }, index) => (
          <li key={category} class={category === entry.category ? 'chosen' : undefined}>
            <button
              type="button"
              class="candidate"
              aria-pressed={explained === category}
              title={texts.candidatesExplain}
              onClick={() => explain(category)}
            >
              <span class="candidate-bar" style={{ width: `${100 * score}%` }} />
              <span class="candidate-name">{texts.categoryName(category)}</span>
              <span class="candidate-score">{scoreText(score)}</span>
            </button>
            {mayReview.value && (
              <button
                type="button"
                class="take"
                aria-label={texts.candidatesTake(index + 1, category)}
                title={hasKeys() ? texts.candidatesTakeTitle(index + 1, category) : undefined}
                onClick={() => notifyOnError(correct(entry, category))}
              >
                {hasKeys() ? <Key name={String(index + 1)} /> : '✓'}
              </button>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
