import { signal } from '@preact/signals';
import { ApiError, callApi } from '../api/client.js';
import { onDecided } from '../api/live.js';
import {
  type DecidedEvent,
  type Entry,
  entry as entryShape,
  type MismatchAnswer,
  proposals,
} from '../api/schema.js';
import { otherClass } from '../base/other-class.js';
import { hasKeys } from '../base/touch.js';
import { texts } from '../texts/index.js';
import { notifyDone, notifyProblem } from './notices.js';
import { goInstead, instanceHref, route } from './route.js';
import { fetchEntry, neighbour, updateEntry } from './worklist.js';

export const currentEntry = signal<Entry | undefined>(undefined);
/** The picture that is on the screen, or of which the reader knows that it cannot be shown. */
export const seenPicture = signal<string | undefined>(undefined);
/** Another file may replace the picture of an instance. */
export const pictureKey = ({ instance, picture = '' }: Pick<Entry, 'instance' | 'picture'>): string =>
  `${instance} ${picture}`;
/** The instance of which the reader has said that the order is right: the correction answers the difference. */
export const wrongCategory = signal<string | undefined>(undefined);
/** A word to the answer, where the reader writes one. */
export const answerWord = signal('');
/** True while a decision is being sent: a second key press must not decide twice. */
export const saving = signal(false);
/** What was decided on this page, latest last: undo takes it back in reverse order. */
export const decidedHere = signal<readonly Decided[]>([]);
/** The instance that took the place of the one just decided. There, undo is about that decision. */
let followedOn: string | undefined;

type Decided = Pick<Entry, 'instance' | 'when'>;

/** Reports decisions that others make about the instance that is shown. @returns a function that stops it */
export const startReviewUpdates = (): (() => void) => onDecided(applyEvent);

export async function showInstance(instance: string): Promise<void> {
  const entry = await fetchEntry(instance);
  if (isShown(instance)) currentEntry.value = entry;
}

const isShown = (instance: string): boolean =>
  route.value.page === 'instance' && route.value.instance === instance;

/** What "confirm" would say of the picture; null: none of the categories; undefined: there is nothing to confirm. */
export function categoryToConfirm(entry: Entry): string | null | undefined {
  if (entry.who === 'person' || entry.decision === 'failed') return undefined;
  if (entry.decision === 'category') return entry.category;
  const best = entry.decision === 'needs_review' ? entry.top[0]?.category : undefined;
  return best === undefined || best === otherClass ? null : best;
}

/** Whether a difference from the order waits for an answer. */
export const needsAnswer = ({ order, open, acknowledged }: Entry): boolean =>
  order?.answer === 'differs' && (open.includes('order_mismatch') || acknowledged === undefined);

/** Whether the category is decided, so that a difference from the order can be answered. */
export const canAnswer = (entry: Entry): boolean =>
  needsAnswer(entry) && (entry.who === 'person' || entry.decision === 'category');

/** What is decided already stays, and the next one is shown. */
export async function confirm(entry: Entry): Promise<void> {
  const category = categoryToConfirm(entry);
  if (category === undefined) {
    if (entry.who === 'network') return notifyDone(texts.reviewNothingToConfirm);
    await goToNeighbour(1, texts.reviewDecidedAlready(entry.category ?? null, entry.person?.who));
    return;
  }
  await decide(entry, texts.reviewConfirmed(category), () =>
    callApi(`instances/${entry.instance}/confirmation`, entryShape, {
      method: 'POST',
      body: { of: entry.when, picture: entry.picture },
    }),
  );
}

/** @param chosen null: none of the categories */
export async function correct(entry: Entry, chosen: string | null): Promise<void> {
  const category = chosen === otherClass ? null : chosen;
  if (wrongCategory.value === entry.instance) return acknowledge(entry, 'category_wrong', category);
  if (category === categoryToConfirm(entry)) return confirm(entry);
  await decide(entry, texts.reviewCorrected(category), () =>
    callApi(`instances/${entry.instance}/decision`, entryShape, {
      method: 'PUT',
      body: { category, of: entry.when, picture: entry.picture },
    }),
  );
}

/** Whether the category is decided, so that it can be said which way up the picture is. */
export const canOrient = ({ who, decision }: Entry): boolean => who === 'person' || decision === 'category';

/** Says which way up the picture is. @param turned clockwise degrees */
export async function orient(entry: Entry, turned: number, mirrored: boolean): Promise<void> {
  if (!canOrient(entry)) return notifyDone(texts.stageDecideFirst);
  await decide(entry, texts.stageWayUpSaid(entry.who === 'network' ? entry.category : undefined), () =>
    callApi(`instances/${entry.instance}/orientation`, entryShape, {
      method: 'PUT',
      body: { turned, mirrored, of: entry.when, picture: entry.picture },
    }),
  );
}

/** Answers what differs from the order. @param category with `category_wrong`; null: none of the categories */
export async function acknowledge(
  entry: Entry,
  answer: MismatchAnswer,
  category?: string | null,
): Promise<void> {
  if (!needsAnswer(entry)) return notifyDone(texts.mismatchNothing);
  if (answer !== 'category_wrong' && !canAnswer(entry)) return notifyDone(texts.mismatchDecideFirst);
  const why = answerWord.value.trim();
  await decide(entry, texts.mismatchAnswered[answer], () =>
    callApi(`instances/${entry.instance}/acknowledgement`, entryShape, {
      method: 'POST',
      body: {
        answer,
        ...(category === undefined ? {} : { category }),
        ...(why === '' ? {} : { why }),
        of: entry.when,
        picture: entry.picture,
      },
    }),
  );
}

/** A category that somebody set as a label in Orthanc is no correction. */
export async function dismiss({ instance, study }: Entry, category: string): Promise<void> {
  await save(instance, async () => {
    await callApi(`studies/${study}/dismissal`, proposals, { method: 'POST', body: { category } });
    await showInstance(instance);
    notifyDone(texts.reviewDismissed(category));
  });
}

async function decide(entry: Entry, message: string, send: () => Promise<Entry>): Promise<void> {
  // A key pressed once too often must not decide about a picture that nobody has seen.
  if (seenPicture.value !== pictureKey(entry)) return notifyDone(texts.reviewNotSeen);
  await save(entry.instance, async () => {
    const decided = await send();
    updateEntry(decided);
    decidedHere.value = [...without(entry.instance), { instance: entry.instance, when: decided.when }];
    followedOn = undefined;
    // The person who decides is the one who can say what is wrong with the order.
    if (needsAnswer(decided)) {
      await showInstance(entry.instance);
      return notifyDone(texts.reviewDiffers(message));
    }
    const following = await neighbour(entry.instance, 1);
    if (following === undefined) await showInstance(entry.instance);
    else replaceShown(entry.instance, following);
    followedOn = following?.instance;
    notifyDone(texts.reviewDecided(message, following === undefined, hasKeys()));
  });
}

const isByPerson = ({ who, acknowledged }: Pick<Entry, 'who' | 'acknowledged'>): boolean =>
  who === 'person' || acknowledged !== undefined;

/**
 * Undoes the decision that led here; else what a person said of the shown instance; else the last decision made on this page.
 * Where something was said since that the reader has not seen, shows that instead.
 */
export async function undo(): Promise<void> {
  const shown = currentEntry.value;
  const isUndone =
    shown !== undefined && isShown(shown.instance) && shown.instance !== followedOn && isByPerson(shown);
  const undone: Decided | undefined = isUndone ? shown : decidedHere.value.at(-1);
  if (undone === undefined) return notifyDone(texts.reviewNothingToUndo);
  const { instance, when } = undone;
  const undoIt = async () => {
    const known = await fetchEntry(instance);
    const isStanding = isByPerson(known) && known.when === when;
    if (isStanding)
      updateEntry(
        await callApi(`instances/${instance}/undo`, entryShape, { method: 'POST', body: { of: when } }),
      );
    await goTo(instance);
    const why = isByPerson(known) ? texts.reviewNotUndone : texts.reviewNoLongerByPerson;
    notifyDone(isStanding ? texts.reviewUndone : why);
  };
  await save(instance, undoIt, goTo);
}

const without = (instance: string): Decided[] =>
  decidedHere.value.filter((known) => known.instance !== instance);

/** Shows the instance as it is now: what was decided here of it does not stand any more. */
async function goTo(instance: string): Promise<void> {
  decidedHere.value = without(instance);
  followedOn = undefined;
  if (isShown(instance)) await showInstance(instance);
  else goInstead(instanceHref(instance));
}

/** One at a time. Where somebody else has changed the decision meanwhile, shows theirs. */
async function save(instance: string, work: () => Promise<void>, onConflict = showInstance): Promise<void> {
  if (saving.value) return;
  saving.value = true;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 409)) throw error;
    await onConflict(instance);
    notifyProblem(texts.reviewConflict(error.message));
  } finally {
    saving.value = false;
  }
}

/** @param message what is said beside where it leads */
export async function goToNeighbour(by: 1 | -1, message = ''): Promise<void> {
  const shown = route.value;
  if (shown.page !== 'instance') return;
  followedOn = undefined;
  const entry = await neighbour(shown.instance, by);
  if (entry !== undefined) replaceShown(shown.instance, entry);
  const end = by === 1 ? texts.reviewAtEnd : texts.reviewAtStart;
  const said = [message, entry === undefined ? end : ''].filter((part) => part !== '').join(' ');
  if (said !== '') notifyDone(said);
}

/** "Back" still leads to the list. Does nothing where the reader has left the instance meanwhile. */
function replaceShown(instance: string, by: Entry): void {
  if (isShown(instance)) goInstead(instanceHref(by.instance));
}

function applyEvent(event: DecidedEvent): void {
  const shown = currentEntry.value;
  if (shown === undefined || !isShown(event.instance) || saving.value || event.when === shown.when) return;
  showInstance(event.instance).then(
    () => notifyDone(texts.reviewChanged(event.who)),
    () => undefined, // the answer to the reader's next action tells
  );
}
