import { batch, computed, signal } from '@preact/signals';
import { ApiError, callApi } from '../api/client.js';
import {
  type ConfirmationResults,
  confirmationResults,
  type Grid,
  type GridState,
  grid as gridShape,
  gridStates,
} from '../api/grid-schema.js';
import { fetchPicture } from '../api/pictures.js';
import { notifyDone, notifyProblem } from '../state/notices.js';
import { goInstead } from '../state/route.js';
import { texts } from '../texts/index.js';

export type Picture = Grid['pictures'][number];

/** What the grid is of, as it is in the address. */
export interface Wanted {
  state: GridState;
  category?: string;
}

interface Batch {
  wanted: Wanted;
  /** The pictures as they were shown. */
  page: readonly Picture[];
  out: ReadonlySet<string>;
  confirmed: readonly Picture[];
}

/** Pictures that are shown at once, and read at once. */
const pageSize = 30;
const readAtOnce = 150;

export const wanted = signal<Wanted | undefined>(undefined);
/** The category that a confirmation says. */
export const category = signal<string | undefined>(undefined);
export const categories = signal<Grid['categories']>([]);
export const page = signal<readonly Picture[]>([]);
/** Keys of the pictures that the reader took out, or that cannot be shown. */
export const out = signal<ReadonlySet<string>>(new Set());
export const refusals = signal<readonly { instance: string; why: string }[]>([]);
export const loading = signal(false);
/** A second key press must not confirm twice, nor what comes next. */
export const saving = signal(false);
export const rest = computed(() => page.value.filter((each) => !out.value.has(keyOf(each))));

/** Those that come after the page. */
let following: readonly Picture[] = [];
/** What the reader took out does not come again, unless its decision or its picture changes. */
const passed = new Set<string>();
const seen = new Set<string>();
const unshowable = new Set<string>();
/** The latest last. */
let confirmedHere: readonly Batch[] = [];
let opened = 0;

export const keyOf = ({ instance, of, picture }: Picture): string => `${instance} ${of} ${picture}`;

export const thumbnailOf = ({ instance, picture }: Picture): Promise<string> =>
  fetchPicture(`instances/${instance}/thumbnail`, { picture });

export function readWanted(query: URLSearchParams): Wanted {
  const state = gridStates.find((known) => known === query.get('state')) ?? 'needs_review';
  const given = query.get('category');
  return { state, ...(given === null || given === '' ? {} : { category: given }) };
}

export const gridHref = ({ state, category: of = '' }: Wanted): string =>
  `#/grid?${new URLSearchParams({ state, category: of })}`;

/** What is shown now: the service may have chosen the category. */
export const ofShown = (): Wanted => {
  const { state = 'needs_review' } = wanted.value ?? {};
  return { state, ...(category.value === undefined ? {} : { category: category.value }) };
};

export async function openGrid(next: Wanted): Promise<void> {
  batch(() => {
    wanted.value = next;
    category.value = next.category;
    page.value = [];
    out.value = new Set();
  });
  following = [];
  await load();
}

/** Reads what there is now, until there is something to show. */
async function load(): Promise<void> {
  const { state, category: of = category.peek() } = wanted.value ?? { state: 'needs_review' };
  const turn = ++opened;
  loading.value = true;
  try {
    for (let since: number | undefined = 0; since !== undefined; ) {
      const query = { state, category: of, since, limit: readAtOnce };
      const found: Grid = await callApi('worklist/grid', gridShape, { query });
      // Another category was chosen meanwhile.
      if (turn !== opened) return;
      category.value = found.category;
      if (since === 0) categories.value = found.categories;
      following = found.pictures.filter((each) => !passed.has(keyOf(each)));
      since = following.length === 0 ? found.next : undefined;
    }
    turnPage();
  } finally {
    if (turn === opened) loading.value = false;
  }
}

function turnPage(): void {
  page.value = following.slice(0, pageSize);
  following = following.slice(pageSize);
  out.value = new Set(page.value.map(keyOf).filter((key) => unshowable.has(key)));
}

/** The pictures of the next page are fetched while the reader looks at this one. */
export function prefetch(): void {
  for (const each of following.slice(0, pageSize)) void thumbnailOf(each).catch(() => undefined); // tried again when shown
}

export function toggle(picture: Picture): void {
  const key = keyOf(picture);
  const next = new Set(out.value);
  if (unshowable.has(key)) notifyDone(texts.gridNoPicture);
  else if (!next.delete(key)) next.add(key);
  out.value = next;
}

/** The reader has it on the screen. */
export const markSeen = (picture: Picture): void => void seen.add(keyOf(picture));

/** Nobody can look at it, so nobody can confirm it. */
export function markUnshowable(picture: Picture): void {
  unshowable.add(keyOf(picture));
  out.value = new Set([...out.value, keyOf(picture)]);
}

/**
 * Confirms what was not taken out, and goes on.
 * @returns the first picture that the reader has not seen yet; then nothing is confirmed
 */
export async function confirmRest(): Promise<Picture | undefined> {
  if (saving.value || loading.value || page.value.length === 0) return undefined;
  const unseen = rest.value.filter((each) => !seen.has(keyOf(each)));
  if (unseen.length > 0) {
    notifyDone(texts.gridNotSeen(unseen.length));
    return unseen[0];
  }
  const sent = { wanted: ofShown(), page: page.value, out: out.value, confirmed: rest.value };
  await save(async () => {
    if (sent.confirmed.length > 0) await confirm(sent);
    for (const each of sent.page) if (sent.out.has(keyOf(each))) passed.add(keyOf(each));
    if (following.length > 0) return turnPage();
    page.value = [];
    await load();
  });
  return undefined;
}

async function confirm(sent: Batch): Promise<void> {
  const results = await post('confirmations', sent.confirmed).catch(async (error: unknown) => {
    if (!(error instanceof ApiError) || (error.status !== 0 && error.status < 500)) throw error;
    // Any of them may be confirmed. Undo can be sent for all.
    confirmedHere = [...confirmedHere, sent];
    await load();
    throw new ApiError(texts.gridLost(error.message), error.status, error.code);
  });
  const done = tell(results);
  const confirmed = sent.confirmed.filter(({ instance }) => done.has(instance));
  if (confirmed.length > 0) confirmedHere = [...confirmedHere, { ...sent, confirmed }];
  const differing = results.filter(({ open }) => open?.includes('order_mismatch')).length;
  const said = texts.gridConfirmed(confirmed.length, category.value ?? '');
  notifyDone(differing === 0 ? said : `${said} ${texts.gridDiffer(differing)}`);
}

/** Takes back the last confirmation, and shows its pictures as they were. */
export async function undoBatch(): Promise<void> {
  const last = confirmedHere.at(-1);
  if (last === undefined) return notifyDone(texts.reviewNothingToUndo);
  await save(async () => {
    const done = tell(await post('confirmations/undo', last.confirmed));
    confirmedHere = confirmedHere.slice(0, -1);
    const sent = new Set(last.confirmed.map(({ instance }) => instance));
    const back = last.page.filter(({ instance }) => !sent.has(instance) || done.has(instance));
    const here = new Set(back.map(keyOf));
    const { state, category: of } = ofShown();
    const isSame = state === last.wanted.state && of === last.wanted.category;
    following = isSame ? [...page.value, ...following].filter((each) => !here.has(keyOf(each))) : [];
    batch(() => {
      wanted.value = last.wanted;
      category.value = last.wanted.category;
      page.value = back;
      out.value = last.out;
    });
    for (const key of last.out) passed.delete(key);
    if (!isSame) goInstead(gridHref(last.wanted));
    notifyDone(texts.gridUndone(done.size));
  });
}

const post = async (path: string, pictures: readonly Picture[]): Promise<ConfirmationResults['results']> => {
  const body = { pictures: pictures.map(({ instance, of, picture }) => ({ instance, of, picture })) };
  return (await callApi(path, confirmationResults, { method: 'POST', body })).results;
};

/** Shows what was refused until the reader dismisses it. @returns the instances where it was done */
function tell(results: ConfirmationResults['results']): Set<string> {
  refusals.value = results.flatMap(({ instance, problem }) =>
    problem === undefined ? [] : [{ instance, why: texts.errorText(problem) }],
  );
  return new Set(results.flatMap(({ instance, outcome }) => (outcome === 'done' ? [instance] : [])));
}

async function save(work: () => Promise<void>): Promise<void> {
  if (saving.value) return;
  saving.value = true;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    notifyProblem(error.message);
  } finally {
    saving.value = false;
  }
}
