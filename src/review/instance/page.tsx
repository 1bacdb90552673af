import { useEffect, useState } from 'preact/hooks';
import { messageOf } from '../api/client.js';
import { notifyOnError } from '../state/notices.js';
import * as review from '../state/review.js';
import { mayReview, me } from '../state/session.js';
import * as list from '../state/worklist.js';
import { texts } from '../texts/index.js';
import { Key } from '../ui/keys.js';
import { StateChip } from '../ui/state-chip.js';
import { titleOf } from '../ui/title.js';
import { Candidates } from './candidates.js';
import { Correction } from './correction.js';
import { Facts } from './facts.js';
import { Mismatch } from './mismatch.js';
import { Proposals } from './proposals.js';
import { useReviewShortcuts } from './review-shortcuts.js';
import { Stage } from './stage.js';
import { mapCategory, resetView } from './view-state.js';

export function InstancePage({ instance }: { instance: string }) {
  const [error, setError] = useState<string>();
  const load = () => {
    setError(undefined);
    review.showInstance(instance).catch((caught: unknown) => setError(messageOf(caught)));
  };
  // Runs for each new picture
  useEffect(() => {
    resetView();
    mapCategory.value = undefined;
    review.wrongCategory.value = undefined;
    review.answerWord.value = '';
    // An entry with all fields is shown at once, and replaced by the newest one.
    review.currentEntry.value = list.items
      .peek()
      .find((known) => known.instance === instance && known.columns !== undefined);
    load();
    if (list.items.peek().length === 0) notifyOnError(list.openList(list.source.peek()));
  }, [instance]);
  const shown = review.currentEntry.value;
  const entry = shown?.instance === instance ? shown : undefined;
  useReviewShortcuts();
  if (error !== undefined)
    return (
      <div class="pad" role="alert">
        <p>{error}</p>
        <button type="button" onClick={load}>
          {texts.tryAgain}
        </button>{' '}
        <a class="button" href={list.listHref()}>
          {texts.instanceBack}
        </a>
      </div>
    );
  if (entry === undefined) return <p class="pad quiet">{texts.loading}</p>;
  return (
    <>
      <Stage entry={entry} />
      <div class="side">
        <Steps instance={instance} />
        <div class="side-scroll">
          <h1 class="decision">
            {titleOf(entry)} <StateChip entry={entry} />
          </h1>
          {mayReview.value ? (
            <Actions />
          ) : (
            <p class="viewer-note">{texts.instanceViewer(me.value?.who ?? '')}</p>
          )}
          <Mismatch entry={entry} />
          <Proposals entry={entry} />
          <Candidates entry={entry} />
          <Facts entry={entry} />
        </div>
      </div>
    </>
  );
}

function Steps({ instance }: { instance: string }) {
  const position = list.positionOf(instance);
  const total = list.total.value ?? list.items.value.length;
  const hasMore = list.total.value === undefined && list.hasMore();
  return (
    <nav class="steps" aria-label={texts.instanceSteps}>
      <a class="button" href={list.listHref()}>
        {texts.instanceList}
      </a>
      <span class="quiet">{position >= 0 && texts.instancePosition(position + 1, total, hasMore)}</span>
      <button
        type="button"
        aria-label={texts.instancePrevious}
        title={texts.instancePreviousTitle}
        onClick={() => notifyOnError(review.goToNeighbour(-1))}
      >
        ←
      </button>
      <button
        type="button"
        aria-label={texts.instanceNext}
        title={texts.instanceNextTitle}
        onClick={() => notifyOnError(review.goToNeighbour(1))}
      >
        →
      </button>
    </nav>
  );
}

function Actions() {
  const entry = review.currentEntry.value;
  if (entry === undefined) return null;
  const category = review.categoryToConfirm(entry);
  const canUndo =
    entry.who === 'person' || entry.acknowledged !== undefined || review.decidedHere.value.length > 0;
  return (
    <section class="actions" aria-label={texts.instanceDecide} aria-busy={review.saving.value}>
      <div class="action-row">
        {category !== undefined && (
          <button
            type="button"
            class="strong confirm"
            disabled={review.saving.value}
            onClick={() => notifyOnError(review.confirm(entry))}
          >
            {entry.decision === 'category' ? texts.instanceConfirm : texts.instanceConfirmAs(category)}{' '}
            <Key name="Enter" />
          </button>
        )}
        <button
          type="button"
          disabled={!canUndo || review.saving.value}
          onClick={() => notifyOnError(review.undo())}
        >
          {texts.instanceUndo} <Key name="u" />
        </button>
      </div>
      <Correction entry={entry} />
    </section>
  );
}
