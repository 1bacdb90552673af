import { signal } from '@preact/signals';
import { ApiError, ask } from '../api/client.js';
import { onDecided } from '../api/live.js';
import { type Entry, entry as entryShape } from '../api/schema.js';
import { otherClass, spoken } from '../ui/format.js';
import { tell, warn } from './notices.js';
import { goInstead, instanceHref, route } from './route.js';
import { know, neighbour, replace } from './worklist.js';

/** The instance that is looked at. */
export const current = signal<Entry | undefined>(undefined);
/** The instance whose picture has come to the screen, or of which it was said that there is none. */
export const seen = signal<string | undefined>(undefined);
/** While a decision is on its way: a second key press must not decide twice. */
export const busy = signal(false);
/** What this person decided on this page, latest last, to be undone. */
export const mine = signal<readonly string[]>([]);

export async function look(instance: string): Promise<void> {
  const entry = await know(instance);
  if (isShown(instance)) current.value = entry;
}

const isShown = (instance: string): boolean =>
  route.value.page === 'instance' && route.value.instance === instance;

/** What "confirm" would say of the picture; undefined where there is nothing to confirm. */
export function confirmable(entry: Entry): string | null | undefined {
  if (entry.who === 'person' || entry.decision === 'failed') return undefined;
  if (entry.decision === 'category') return entry.category;
  const best = entry.decision === 'needs_review' ? entry.top[0]?.category : undefined;
  return best === undefined || best === otherClass ? null : best;
}

export const nameOf = (category: string | null): string =>
  category === null ? 'none of these' : spoken(category);

export async function confirm(entry: Entry): Promise<void> {
  const category = confirmable(entry);
  if (category === undefined) return;
  await decide(entry, `Confirmed: ${nameOf(category)}.`, () =>
    ask(`instances/${entry.instance}/confirmation`, entryShape, { method: 'POST', body: { of: entry.when } }),
  );
}

/** @param chosen null: none of these */
export async function correct(entry: Entry, chosen: string | null): Promise<void> {
  const category = chosen === otherClass ? null : chosen;
  if (category === confirmable(entry)) return confirm(entry);
  await decide(entry, `Corrected: ${nameOf(category)}.`, () =>
    ask(`instances/${entry.instance}/decision`, entryShape, {
      method: 'PUT',
      body: { category, of: entry.when },
    }),
  );
}

async function decide(entry: Entry, words: string, put: () => Promise<Entry>): Promise<void> {
  // A key pressed once too often must not decide about a picture that nobody has seen.
  if (seen.value !== entry.instance) return tell('Not yet: the picture is still coming.');
  await changing(entry.instance, async () => {
    replace(await put());
    mine.value = [...mine.value.filter((instance) => instance !== entry.instance), entry.instance];
    const following = await neighbour(entry.instance, 1);
    if (following === undefined) await look(entry.instance);
    else show(following, entry.instance);
    tell(`${words} ${following === undefined ? 'That was the last one of the list. ' : ''}U undoes it.`);
  });
}

/** Takes back what a person said of the picture that is shown, else what was decided last on this page. */
export async function undo(): Promise<void> {
  const shown = current.value;
  const instance = shown?.who === 'person' ? shown.instance : mine.value.at(-1);
  if (instance === undefined) return tell('There is nothing to undo.');
  await changing(instance, async () => {
    const { when, who } = await know(instance);
    const isUndone = who === 'person';
    if (isUndone)
      replace(await ask(`instances/${instance}/undo`, entryShape, { method: 'POST', body: { of: when } }));
    mine.value = mine.value.filter((known) => known !== instance);
    if (isShown(instance)) await look(instance);
    else goInstead(instanceHref(instance));
    tell(
      isUndone
        ? 'Undone: the decision before stands again.'
        : 'Nothing to undo: it is no longer decided by a person.',
    );
  });
}

async function changing(instance: string, work: () => Promise<void>): Promise<void> {
  if (busy.value) return;
  busy.value = true;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 409)) throw error;
    await look(instance);
    warn(`${error.message} What stands now is shown.`);
  } finally {
    busy.value = false;
  }
}

export async function step(by: 1 | -1): Promise<void> {
  const shown = route.value;
  if (shown.page !== 'instance') return;
  const there = await neighbour(shown.instance, by);
  if (there !== undefined) show(there, shown.instance);
  else tell(by === 1 ? 'This was the last one of the list.' : 'This was the first one of the list.');
}

/** In place of the picture that was shown, so that "back" still leads to the list. Whoever has left it meanwhile stays away. */
function show(entry: Entry, inPlaceOf: string): void {
  if (isShown(inPlaceOf)) goInstead(instanceHref(entry.instance));
}

onDecided((event) => {
  const shown = current.value;
  if (shown === undefined || !isShown(event.instance) || busy.value || event.when === shown.when) return;
  look(event.instance).then(
    () => tell(`Decided anew meanwhile, by ${event.who === 'person' ? 'a person' : 'the network'}.`),
    () => undefined, // the answer to the next action says it
  );
});
