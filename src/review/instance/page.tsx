import { useEffect, useState } from 'preact/hooks';
import { wordsOf } from '../api/client.js';
import { attempt } from '../state/notices.js';
import * as review from '../state/review.js';
import { go } from '../state/route.js';
import { mayReview, me } from '../state/session.js';
import * as list from '../state/worklist.js';
import { count } from '../ui/format.js';
import { useShortcuts } from '../ui/shortcuts.js';
import { StateChip } from '../ui/state-chip.js';
import { titleOf } from '../ui/title.js';
import { Candidates } from './candidates.js';
import { Correction } from './correction.js';
import { Facts } from './facts.js';
import { Stage } from './stage.js';
import { mapCategory, resetView } from './view-state.js';

export function InstancePage({ instance }: { instance: string }) {
  const [trouble, setTrouble] = useState<string>();
  const load = () => {
    setTrouble(undefined);
    review.look(instance).catch((error: unknown) => setTrouble(wordsOf(error)));
  };
  // Another picture begins anew
  useEffect(() => {
    resetView();
    mapCategory.value = undefined;
    // What is known in full is shown at once; the newest word follows.
    review.current.value = list.items
      .peek()
      .find((known) => known.instance === instance && known.columns !== undefined);
    load();
    if (list.items.peek().length === 0) attempt(list.open(list.source.peek()));
  }, [instance]);
  const shown = review.current.value;
  const entry = shown?.instance === instance ? shown : undefined;
  useReviewShortcuts();
  if (trouble !== undefined)
    return (
      <div class="pad" role="alert">
        <p>{trouble}</p>
        <button type="button" onClick={load}>
          Try again
        </button>{' '}
        <a class="button" href={backHref()}>
          Back to the list
        </a>
      </div>
    );
  if (entry === undefined) return <p class="pad quiet">Loading …</p>;
  return (
    <>
      <Stage entry={entry} />
      <div class="side">
        <Steps instance={instance} />
        <div class="side-scroll">
          <h1 class="decision">
            {titleOf(entry)} <StateChip entry={entry} />
          </h1>
          {mayReview.value ? <Actions /> : <Viewer />}
          <Candidates entry={entry} />
          <Facts entry={entry} />
        </div>
      </div>
    </>
  );
}

const backHref = (): string => {
  const { value } = list.source;
  return 'study' in value ? `#/study/${value.study}` : list.worklistHref(value.filters);
};

function useReviewShortcuts(): void {
  const withCurrent = (act: (entry: NonNullable<typeof review.current.value>) => Promise<void>) => () => {
    const entry = review.current.value;
    if (entry !== undefined) attempt(act(entry));
  };
  const takeBest = (index: number) =>
    withCurrent(async (entry) => {
      const best = entry.top[index];
      if (best !== undefined) await review.correct(entry, best.category);
    });
  useShortcuts(
    'Decide',
    mayReview.value
      ? [
          { keys: ['Enter', 'y'], does: 'Confirm', run: withCurrent(review.confirm) },
          {
            keys: ['1', '2', '3', '4', '5'],
            does: 'It is that one of the network’s',
            run: (key: string) => takeBest(Number(key) - 1)(),
          },
          { keys: ['n'], does: 'None of these', run: withCurrent((entry) => review.correct(entry, null)) },
          { keys: ['u'], does: 'Undo', run: () => attempt(review.undo()) },
        ]
      : [],
  );
  useShortcuts('Go', [
    { keys: ['ArrowRight', 'j'], does: 'Next', run: () => attempt(review.step(1)) },
    { keys: ['ArrowLeft', 'k'], does: 'Previous', run: () => attempt(review.step(-1)) },
    { keys: ['Escape'], does: 'Back to the list', run: () => go(backHref()) },
  ]);
}

function Steps({ instance }: { instance: string }) {
  const at = list.placeOf(instance);
  const whole = list.total.value ?? list.items.value.length;
  return (
    <nav class="steps" aria-label="Through the list">
      <a class="button" href={backHref()}>
        ‹ List
      </a>
      <span class="quiet">
        {at >= 0 &&
          `${count(at + 1)} of ${count(whole)}${list.total.value === undefined && list.hasMore() ? '+' : ''}`}
      </span>
      <button
        type="button"
        aria-label="Previous"
        title="Previous (←)"
        onClick={() => attempt(review.step(-1))}
      >
        ←
      </button>
      <button type="button" aria-label="Next" title="Next (→)" onClick={() => attempt(review.step(1))}>
        →
      </button>
    </nav>
  );
}

function Actions() {
  const entry = review.current.value;
  if (entry === undefined) return null;
  const category = review.confirmable(entry);
  const canUndo = entry.who === 'person' || review.mine.value.length > 0;
  return (
    <section class="actions" aria-label="Decide" aria-busy={review.busy.value}>
      <div class="action-row">
        {category !== undefined && (
          <button
            type="button"
            class="strong confirm"
            disabled={review.busy.value}
            onClick={() => attempt(review.confirm(entry))}
          >
            {entry.decision === 'category' ? 'Confirm' : `It is ${review.nameOf(category)}`} <kbd>Enter</kbd>
          </button>
        )}
        <button type="button" disabled={!canUndo || review.busy.value} onClick={() => attempt(review.undo())}>
          Undo <kbd>U</kbd>
        </button>
      </div>
      <Correction entry={entry} />
    </section>
  );
}

/** Why there is nothing to decide with. */
function Viewer() {
  return (
    <p class="viewer-note">
      You ({me.value?.who}) may look. Confirming and correcting needs the role <em>reviewer</em>; ask whoever
      runs Plainview here.
    </p>
  );
}
