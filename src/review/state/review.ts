import { signal } from '@preact/signals';
import { ApiError, callApi } from '../api/client.js';
import { onDecided } from '../api/live.js';
import { type DecidedEvent, type Entry, entry as entryShape, proposals } from '../api/schema.js';
import { otherClass } from '../base/other-class.js';
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
/** True while a decision is being sent: a second key press must not decide twice. */
export const saving = signal(false);
/** Instances decided on this page, latest last: undo takes them back in reverse order. */
export const decidedHere = signal<readonly string[]>([]);

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

export async function confirm(entry: Entry): Promise<void> {
  const category = categoryToConfirm(entry);
  if (category === undefined) return;
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
  if (category === categoryToConfirm(entry)) return confirm(entry);
  await decide(entry, texts.reviewCorrected(category), () =>
    callApi(`instances/${entry.instance}/decision`, entryShape, {
      method: 'PUT',
      body: { category, of: entry.when, picture: entry.picture },
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
    updateEntry(await send());
    decidedHere.value = [...without(entry.instance), entry.instance];
    const following = await neighbour(entry.instance, 1);
    if (following === undefined) await showInstance(entry.instance);
    else replaceShown(entry.instance, following);
    notifyDone(texts.reviewDecided(message, following === undefined));
  });
}

/** Undoes a person's decision on the shown instance, else the last decision made on this page. */
export async function undo(): Promise<void> {
  const shown = currentEntry.value;
  const instance = shown?.who === 'person' ? shown.instance : decidedHere.value.at(-1);
  if (instance === undefined) return notifyDone(texts.reviewNothingToUndo);
  await save(instance, async () => {
    const { when, who } = await fetchEntry(instance);
    const isByPerson = who === 'person';
    if (isByPerson)
      updateEntry(
        await callApi(`instances/${instance}/undo`, entryShape, { method: 'POST', body: { of: when } }),
      );
    decidedHere.value = without(instance);
    if (isShown(instance)) await showInstance(instance);
    else goInstead(instanceHref(instance));
    notifyDone(isByPerson ? texts.reviewUndone : texts.reviewNoLongerByPerson);
  });
}

const without = (instance: string): string[] => decidedHere.value.filter((known) => known !== instance);

/** One at a time. Where somebody else has changed the decision meanwhile, shows theirs. */
async function save(instance: string, work: () => Promise<void>): Promise<void> {
  if (saving.value) return;
  saving.value = true;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 409)) throw error;
    await showInstance(instance);
    notifyProblem(texts.reviewConflict(error.message));
  } finally {
    saving.value = false;
  }
}

export async function goToNeighbour(by: 1 | -1): Promise<void> {
  const shown = route.value;
  if (shown.page !== 'instance') return;
  const entry = await neighbour(shown.instance, by);
  if (entry !== undefined) replaceShown(shown.instance, entry);
  else notifyDone(by === 1 ? texts.reviewAtEnd : texts.reviewAtStart);
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
