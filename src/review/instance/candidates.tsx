import type { Entry } from '../api/schema.js';
import { attempt } from '../state/notices.js';
import { correct } from '../state/review.js';
import { mayReview } from '../state/session.js';
import { scoreText, spoken } from '../ui/format.js';
import { mapCategory, mapIsOn } from './view-state.js';

/** The network's best five, as bars. Each can be asked why, and taken. */
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
        What the network sees <span class="quiet">score, no probability</span>
      </h2>
      <ol class="candidates">
        {entry.top.map(({ category, score }, index) => (
          <li key={category} class={category === entry.category ? 'chosen' : undefined}>
            <button
              type="button"
              class="candidate"
              aria-pressed={explained === category}
              title="Show where the network sees it"
              onClick={() => explain(category)}
            >
              <span class="candidate-bar" style={{ width: `${100 * score}%` }} />
              <span class="candidate-name">{spoken(category)}</span>
              <span class="candidate-score">{scoreText(score)}</span>
            </button>
            {mayReview.value && (
              <button
                type="button"
                class="take"
                aria-label={`${index + 1}: it is ${spoken(category)}`}
                title={`It is ${spoken(category)} (${index + 1})`}
                onClick={() => attempt(correct(entry, category))}
              >
                <kbd>{index + 1}</kbd>
              </button>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
