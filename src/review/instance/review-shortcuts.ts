import type { Entry } from '../api/schema.js';
import { notifyDone, notifyOnError } from '../state/notices.js';
import * as review from '../state/review.js';
import { go } from '../state/route.js';
import { mayReview } from '../state/session.js';
import { listHref } from '../state/worklist.js';
import { texts } from '../texts/index.js';
import { type Shortcut, useShortcuts } from '../ui/shortcuts.js';

/** The keys that decide and that go through the list. Viewers cannot decide. */
export function useReviewShortcuts(): void {
  useShortcuts(
    texts.keysDecide,
    mayReview.value
      ? [
          { keys: ['Enter', 'y'], description: texts.instanceConfirm, run: withCurrent(review.confirm) },
          {
            keys: ['1', '2', '3', '4', '5'],
            description: texts.keyCandidate,
            run: (key) => withCurrent((entry) => takeCandidate(entry, Number(key) - 1))(),
          },
          {
            keys: ['n'],
            description: texts.noneOfThese,
            run: withCurrent((entry) => review.correct(entry, null)),
          },
          ...answerKeys,
        ]
      : [],
  );
  useShortcuts(texts.keysNavigate, [
    {
      keys: ['ArrowRight', 'j'],
      description: texts.instanceNext,
      run: () => notifyOnError(review.goToNeighbour(1)),
    },
    {
      keys: ['ArrowLeft', 'k'],
      description: texts.instancePrevious,
      run: () => notifyOnError(review.goToNeighbour(-1)),
    },
    { keys: ['Escape'], description: texts.instanceBack, run: () => go(listHref()) },
  ]);
}

/** An answer to what differs from the order. `p`: what the picture shows is chosen next. */
const answerKeys: readonly Shortcut[] = [
  {
    keys: ['o'],
    description: texts.keyMismatchOrder,
    run: () => withCurrent((entry) => review.acknowledge(entry, 'order_wrong'))(),
  },
  { keys: ['p'], description: texts.keyMismatchCategory, run: () => withCurrent(chooseCategory)() },
  {
    keys: ['x'],
    description: texts.keyMismatchNoMatter,
    run: () => withCurrent((entry) => review.acknowledge(entry, 'no_matter'))(),
  },
];

/** The correction that follows is the answer. */
export async function chooseCategory(entry: Entry): Promise<void> {
  if (!review.needsAnswer(entry)) return notifyDone(texts.mismatchNothing);
  review.wrongCategory.value = entry.instance;
  document.querySelector<HTMLElement>('.correction input')?.focus();
}

const withCurrent = (act: (entry: Entry) => Promise<void>) => () => {
  const entry = review.currentEntry.value;
  if (entry !== undefined) notifyOnError(act(entry));
};

async function takeCandidate(entry: Entry, index: number): Promise<void> {
  const candidate = entry.top[index];
  if (candidate !== undefined) await review.correct(entry, candidate.category);
}
