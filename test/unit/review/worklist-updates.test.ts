import { beforeEach, expect, test } from 'vitest';
import { entries, entryOf, idOf, timeOf, until, usePage } from './support/page.js';

const page = usePage();
let stop: () => void;

beforeEach(async () => {
  const { api, list, updates, run } = page();
  api.on('GET worklist', () => ({ items: entries(0, 3) }));
  await list.openList({ filters: { state: 'needs_review' } });
  api.requests.length = 0;
  stop = run(updates.startWorklistUpdates);
});

/** What an event tells of an instance. */
const decided = (n: number, fields: object = {}) => ({
  instance: idOf(n),
  study: idOf(2000),
  decision: 'needs_review',
  who: 'network',
  when: timeOf(n),
  ...fields,
});

async function followEvents() {
  const { api, live, run } = page();
  api.fail('GET status', 500, 'internal', 'No status in this test.');
  const emit = api.streamEvents();
  run(live.startLive);
  await until(() => live.connection.value === 'events');
  return emit;
}

test('an event about an instance that belongs to the list counts as new, another does not', async () => {
  const { list } = page();
  const emit = await followEvents();
  emit('decided', decided(8, { decision: 'category' }));
  emit('decided', decided(0));
  // What a person has decided belongs to what is done, whatever it is.
  emit('decided', decided(9, { who: 'person' }));
  emit('nonsense', {});
  emit('decided', { instance: 'incomplete' });
  emit('decided', decided(9));
  await until(() => list.newCount.value > 0);
  expect(list.newCount.value).toBe(1);
  await list.reloadList();
  expect(list.newCount.value).toBe(0);
});

test('an event about an instance of the list fetches its new decision', async () => {
  const { api, list } = page();
  const emit = await followEvents();
  const when = timeOf(50);
  api.on(`GET instances/${idOf(1)}`, () => entryOf(1, { when, decision: 'category', category: 'foot_ap' }));
  emit('decided', decided(1, { when, decision: 'category' }));
  await until(() => list.items.value[1]?.when === when);
  expect(list.items.value.map(({ category }) => category)).toEqual([undefined, 'foot_ap', undefined]);
  expect(list.newCount.value).toBe(0);
});

test('an instance of the list that cannot be fetched counts as new', async () => {
  const { list } = page();
  const emit = await followEvents();
  emit('decided', decided(1, { when: timeOf(50) }));
  await until(() => list.newCount.value === 1);
});

test('without events, polling finds what is new, what has changed and what has left the list', async () => {
  const { api, list, live } = page();
  const changed = entryOf(0, { when: timeOf(60) });
  const left = entryOf(2, { when: timeOf(61), decision: 'category', category: 'foot_ap' });
  api.on('GET worklist', () => ({ items: [entryOf(7), changed, entryOf(1)] }));
  api.on(`GET instances/${idOf(2)}`, () => left);
  live.ticks.value = 2;
  await until(() => list.items.value[2]?.decision === 'category');
  expect(list.items.value).toEqual([changed, entryOf(1), left]);
  expect(list.newCount.value).toBe(1);
  expect(api.requests).toEqual(['GET worklist?state=needs_review&limit=12', `GET instances/${idOf(2)}`]);
});

test('the list is polled at every third tick, not while events come through, and no longer once it is stopped', () => {
  const { api, live } = page();
  live.connection.value = 'events';
  for (const tick of [1, 2, 3]) live.ticks.value = tick;
  expect(api.requests).toEqual([]);
  live.connection.value = 'polling';
  for (const tick of [4, 5, 6]) live.ticks.value = tick;
  expect(api.requests).toHaveLength(1);
  stop();
  for (const tick of [7, 8, 9]) live.ticks.value = tick;
  expect(api.requests).toHaveLength(1);
});
