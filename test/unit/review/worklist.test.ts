import { expect, test } from 'vitest';
import { inState, invalidIn, readFilters, worklistHref } from '../../../src/review/state/filters.js';
import { entries, entryOf, idOf, type Page, usePage } from './support/page.js';

const page = usePage();
const filters = { state: 'needs_review' } as const;
const ids = ({ list }: Page) => list.items.value.map(({ instance }) => instance);

/** A worklist of two full pages of 48 and a short one. */
function servePages({ api }: Page): void {
  api.on('GET worklist', ({ query }) => {
    const from = Number(query.get('cursor') ?? 0);
    const next = from + 48 < 100 ? { next: String(from + 48) } : {};
    return { items: entries(from, Math.min(from + 48, 100)), total: 100, ...next };
  });
}

test('the list loads page by page, to its end', async () => {
  const { list, api } = page();
  servePages(page());
  await list.openList({ filters });
  expect(ids(page())).toEqual(entries(0, 48).map(({ instance }) => instance));
  expect([list.total.value, list.hasMore(), list.loading.value]).toEqual([100, true, false]);
  await list.loadMore();
  await list.loadMore();
  await list.loadMore();
  expect(ids(page())).toEqual(entries(0, 100).map(({ instance }) => instance));
  expect(list.hasMore()).toBe(false);
  expect(api.requests).toEqual([
    'GET worklist?state=needs_review&limit=48',
    'GET worklist?state=needs_review&limit=48&cursor=48',
    'GET worklist?state=needs_review&limit=48&cursor=96',
  ]);
});

test('short and empty pages do not end the list, and no instance is in it twice', async () => {
  const { list, api } = page();
  const pages = new Map([
    [null, { items: entries(0, 2), next: 'b' }],
    ['b', { items: [], next: 'c' }],
    ['c', { items: entries(1, 4) }],
  ]);
  api.on('GET worklist', ({ query }) => pages.get(query.get('cursor')));
  await list.openList({ filters });
  expect(ids(page())).toEqual([0, 1, 2, 3].map(idOf));
});

test('a list loaded again keeps its entries until the new ones are there, also when the service fails', async () => {
  const { list, api } = page();
  servePages(page());
  await list.openList({ filters });
  api.fail('GET worklist', 503, 'orthanc_away', 'Orthanc does not answer.');
  await list.reloadList();
  expect(ids(page())).toHaveLength(48);
  expect(list.problem.value).toBe('Orthanc does not answer.');
  api.on('GET worklist', () => ({ items: entries(7, 8) }));
  await list.reloadList();
  expect(ids(page())).toEqual([idOf(7)]);
  expect(list.problem.value).toBeUndefined();
});

test('another list replaces one that is still loading', async () => {
  const { list, api } = page();
  let answerLate = (_: unknown) => {};
  api.on('GET worklist', () => new Promise((resolve) => (answerLate = resolve)));
  const first = list.openList({ filters });
  api.on(`GET studies/${idOf(2000)}/instances`, () => entries(3, 5));
  await list.openList({ study: idOf(2000) });
  answerLate({ items: entries(0, 48) });
  await first;
  expect(ids(page())).toEqual([3, 4].map(idOf));
  expect([list.hasMore(), list.loading.value, list.problem.value]).toEqual([false, false, undefined]);
});

test('what is decided stays in the list, with its new decision', async () => {
  const { list } = page();
  servePages(page());
  await list.openList({ filters });
  list.updateEntry(entryOf(2, { decision: 'category', category: 'knee_ap', who: 'person' }));
  list.updateEntry(entryOf(77, { decision: 'category' }));
  expect(list.items.value).toHaveLength(48);
  expect(list.items.value[2]).toMatchObject({ instance: idOf(2), who: 'person', category: 'knee_ap' });
});

test('a neighbour is found across the end of a page, and there is none beyond the ends', async () => {
  const { list } = page();
  servePages(page());
  await list.openList({ filters });
  expect((await list.neighbour(idOf(47), 1))?.instance).toBe(idOf(48));
  expect(list.items.value).toHaveLength(96);
  expect((await list.neighbour(idOf(48), -1))?.instance).toBe(idOf(47));
  expect(await list.neighbour(idOf(0), -1)).toBeUndefined();
  expect((await list.neighbour(idOf(95), 1))?.instance).toBe(idOf(96));
  expect(await list.neighbour(idOf(99), 1)).toBeUndefined();
});

test('an instance that is not in the list has the first of the list as its neighbour', async () => {
  const { list } = page();
  servePages(page());
  await list.openList({ filters });
  expect((await list.neighbour(idOf(500), 1))?.instance).toBe(idOf(0));
});

test('filters survive the way through the address, and nonsense is left out', () => {
  const wanted = { state: 'recent', text: 'hand dv', from: '2026-01-01', minScore: '0.5' } as const;
  expect(readFilters(new URLSearchParams(worklistHref(wanted).slice('#/?'.length)))).toEqual(wanted);
  expect(readFilters(new URLSearchParams('state=nonsense&text=&other=1'))).toEqual({ state: 'needs_review' });
});

test('the first that nobody has settled is found, on a later page too', async () => {
  const { api, list } = page();
  const settled = (n: number) => entryOf(n, { who: 'person', open: [] });
  api.on('GET worklist', ({ query }) =>
    query.get('cursor') === null
      ? { items: [settled(0), settled(1)], next: 'more' }
      : { items: [settled(2), entryOf(3)] },
  );
  await list.openList({ filters: { state: 'recent' } });
  expect((await list.firstUnsettled())?.instance).toBe(idOf(3));
  let asked = 0;
  const pageOf = (number: number) => Array.from({ length: 48 }, (_, n) => settled(number * 48 + n));
  api.on('GET worklist', () => ({ items: pageOf(asked++), next: 'more' }));
  await list.openList({ filters: { state: 'settled_by_person' } });
  expect(await list.firstUnsettled()).toBeUndefined();
  // However many people have settled.
  expect(asked).toBeLessThan(20);
  expect(list.whyNoneFound()).toBe('more');
});

test('where nothing is found that is open, it is said why', async () => {
  const { api, list } = page();
  let answerLate = (_: unknown) => {};
  api.on('GET worklist', () => new Promise((resolve) => (answerLate = resolve)));
  const opened = list.openList({ filters });
  expect([await list.firstUnsettled(), list.whyNoneFound()]).toEqual([undefined, 'loading']);
  answerLate({ items: [] });
  await opened;
  expect([await list.firstUnsettled(), list.whyNoneFound()]).toEqual([undefined, 'empty']);
  const settled = entries(0, 48).map((entry) => ({ ...entry, who: 'person', open: [] }));
  api.on('GET worklist', () => ({ items: settled, next: 'more' }));
  await list.reloadList();
  api.fail('GET worklist', 503, 'orthanc_away', 'Orthanc does not answer.');
  api.requests.length = 0;
  expect([await list.firstUnsettled(), list.whyNoneFound()]).toEqual([undefined, 'more']);
  expect(api.requests).toHaveLength(1);
  api.on('GET worklist', () => ({ items: [entryOf(1, { who: 'person', open: [] })] }));
  expect([await list.firstUnsettled(), list.whyNoneFound()]).toEqual([undefined, 'settled']);
});

test('what only the list of settled pictures can be narrowed by does not go to another list', () => {
  const settled = {
    state: 'settled_by_person',
    said: 'confirmed',
    by: 'bob',
    was: 'failed',
    text: 'hand',
  } as const;
  expect(inState(settled, 'needs_review')).toEqual({ state: 'needs_review', text: 'hand' });
  expect(inState(settled, 'settled_by_person')).toEqual(settled);
});

test('a Patient ID is sent in a body, and is in no address', async () => {
  const { api, list } = page();
  api.on('POST worklist/patient', () => ({ items: entries(0, 2) }));
  await list.openList({ patient: 'P 1' });
  expect(api.requests).toEqual(['POST worklist/patient {"patientId":"P 1"}']);
  expect(list.items.value).toHaveLength(2);
  expect(list.listHref()).toBe('#/patient');
});

test.each([
  [{ minScore: '2' }, ['minScore']],
  [{ minScore: '0.9', maxScore: '0.5' }, ['minScore', 'maxScore']],
  [{ from: '2024-01-02', to: '2024-01-01' }, ['from', 'to']],
  [{ from: '0202-01-01' }, ['from']],
  [{ station: 'ROOM?' }, ['station']],
  [{ minScore: '.5', maxScore: '1.0', from: '2024-01-01', to: '2024-01-01', station: 'ROOM*' }, []],
])('of the filters %j, these are marked: %j', (filters, marked) => {
  expect(invalidIn(filters)).toEqual(marked);
});
