import { beforeEach, describe, expect, test } from 'vitest';
import { otherClass } from '../../../src/review/base/other-class.js';
import { entries, entryOf, idOf, timeOf, until, usePage } from './support/page.js';

const page = usePage();

/** Opens the n-th of the list's three instances; its picture is on the screen. */
async function open(n: number) {
  const { review, routing } = page();
  routing.goInstead(routing.instanceHref(idOf(n)));
  await review.showInstance(idOf(n));
  const entry = review.currentEntry.value;
  if (entry === undefined) throw new Error(`instance ${n} is not shown`);
  review.seenPicture.value = review.pictureKey(entry);
  page().api.requests.length = 0;
  return entry;
}

const byPerson = (n: number, category: string) =>
  entryOf(n, {
    who: 'person',
    decision: 'category',
    category,
    when: timeOf(100 + n),
    person: { who: 'alice', when: timeOf(100 + n), action: 'correct' },
  });

beforeEach(async () => {
  const { api, list } = page();
  api.on('GET worklist', () => ({ items: entries(0, 3) }));
  for (const n of [0, 1, 2]) {
    api.on(`GET instances/${idOf(n)}`, () => entryOf(n));
    api.on(`POST instances/${idOf(n)}/confirmation`, () => byPerson(n, 'knee_ap'));
    api.on(`PUT instances/${idOf(n)}/decision`, () => byPerson(n, 'foot_ap'));
  }
  await list.openList({ filters: { state: 'needs_review' } });
});

test.each([
  ['its category', { decision: 'category', category: 'foot_ap' }, 'foot_ap'],
  ['the best candidate, where the network is unsure', {}, 'knee_ap'],
  ['none, where that is the best', { top: [{ category: otherClass, score: 0.6 }] }, null],
  ['none, where the network says so', { decision: 'unknown_view' }, null],
  ['nothing, where a person has decided', { who: 'person' }, undefined],
  ['nothing, where it failed', { decision: 'failed' }, undefined],
] as const)('confirming says %s', (_what, fields, category) => {
  const { top, ...rest } = { top: undefined, ...fields };
  const entry = entryOf(0, { ...rest, ...(top ? { top: [...top] } : {}) });
  expect(page().review.categoryToConfirm(entry)).toBe(category);
});

test('confirming sends which decision was seen, updates the list and shows the next instance', async () => {
  const { api, list, notices, review, routing } = page();
  await review.confirm(await open(0));
  expect(api.requests).toEqual([`POST instances/${idOf(0)}/confirmation {"of":"${timeOf(0)}"}`]);
  expect(list.items.value[0]).toMatchObject({ who: 'person', category: 'knee_ap' });
  expect(routing.route.value).toEqual({ page: 'instance', instance: idOf(1) });
  expect(notices.notice.value).toEqual({ kind: 'done', message: 'Confirmed: Knee AP. Press U to undo.' });
  expect(review.decidedHere.value).toEqual([{ instance: idOf(0), when: timeOf(100) }]);
  expect(review.saving.value).toBe(false);
});

test('which way up a picture is, is said where its category is decided', async () => {
  const { api, notices, review, routing } = page();
  const unsure = await open(0);
  await review.orient(unsure, 0, false);
  expect(api.requests).toEqual([]);
  expect(notices.notice.value?.message).toBe('First say what the picture shows.');
  api.on(`PUT instances/${idOf(0)}/orientation`, () => byPerson(0, 'knee_ap'));
  await review.orient({ ...unsure, decision: 'category', category: 'knee_ap' }, 90, true);
  expect(api.requests).toEqual([
    `PUT instances/${idOf(0)}/orientation {"turned":90,"mirrored":true,"of":"${timeOf(0)}"}`,
  ]);
  expect(routing.route.value).toEqual({ page: 'instance', instance: idOf(1) });
});

test('correcting the last instance of the list stays there', async () => {
  const { api, notices, review, routing } = page();
  const entry = await open(2);
  api.on(`GET instances/${idOf(2)}`, () => byPerson(2, 'foot_ap'));
  await review.correct(entry, 'foot_ap');
  expect(api.requests[0]).toBe(
    `PUT instances/${idOf(2)}/decision {"category":"foot_ap","of":"${timeOf(2)}"}`,
  );
  expect(routing.route.value).toEqual({ page: 'instance', instance: idOf(2) });
  expect(review.currentEntry.value?.category).toBe('foot_ap');
  expect(notices.notice.value?.message).toContain('the last one of the list');
});

test('a correction to what would be confirmed is a confirmation; the class “other” is none of the categories', async () => {
  const { api, review } = page();
  await review.correct(await open(0), 'knee_ap');
  expect(api.requests[0]).toContain('/confirmation ');
  await review.correct(await open(1), otherClass);
  expect(api.requests[0]).toContain('"category":null');
});

test('a correction says which picture was seen, and waits until the one that replaced it is on the screen', async () => {
  const { api, review } = page();
  api.on(`GET instances/${idOf(0)}`, () => entryOf(0, { picture: 'first' }));
  const entry = await open(0);
  api.on(`GET instances/${idOf(0)}`, () => entryOf(0, { picture: 'second' }));
  await review.showInstance(idOf(0));
  api.requests.length = 0;
  const replaced = review.currentEntry.value;
  if (replaced === undefined) throw new Error('no instance is shown');
  await review.correct(replaced, 'foot_ap');
  expect(api.requests).toEqual([]);
  review.seenPicture.value = review.pictureKey(replaced);
  await review.correct(replaced, 'foot_ap');
  expect(api.requests[0]).toContain('"picture":"second"');
  expect(review.pictureKey(entry)).not.toBe(review.pictureKey(replaced));
});

test('nothing is decided before the picture is on the screen', async () => {
  const { api, notices, review } = page();
  const entry = await open(0);
  review.seenPicture.value = review.pictureKey(entryOf(1));
  await review.confirm(entry);
  await review.correct(entry, null);
  expect(api.requests).toEqual([]);
  expect(review.decidedHere.value).toEqual([]);
  expect(notices.notice.value?.message).toMatch(/^Not decided: the picture is still loading/);
});

test('a second key press while the first is being sent decides nothing', async () => {
  const { api, review } = page();
  const entry = await open(0);
  await Promise.all([review.confirm(entry), review.confirm(entry), review.correct(entry, null)]);
  expect(api.requests).toHaveLength(1);
});

test('a decision that somebody else has changed is shown, and not overruled', async () => {
  const { api, notices, review, routing } = page();
  const entry = await open(0);
  api.fail(
    `POST instances/${idOf(0)}/confirmation`,
    409,
    'decision_changed',
    'The decision has changed meanwhile.',
  );
  api.on(`GET instances/${idOf(0)}`, () => byPerson(0, 'hand_ap'));
  await review.confirm(entry);
  expect(review.currentEntry.value).toMatchObject({ who: 'person', category: 'hand_ap' });
  expect(routing.route.value).toEqual({ page: 'instance', instance: idOf(0) });
  expect(notices.notice.value).toEqual({
    kind: 'problem',
    message: 'The decision has changed meanwhile. The page now shows the current decision.',
  });
  expect([review.decidedHere.value, review.saving.value]).toEqual([[], false]);
});

test('another error reaches the caller, and the next decision can be sent', async () => {
  const { api, review } = page();
  const entry = await open(0);
  api.fail(`POST instances/${idOf(0)}/confirmation`, 403, 'forbidden', 'This needs the role reviewer.');
  await expect(review.confirm(entry)).rejects.toThrow('This needs the role reviewer.');
  expect(review.saving.value).toBe(false);
});

test('undo takes back the last decision of this page and goes there', async () => {
  const { api, notices, review, routing } = page();
  await review.confirm(await open(0));
  api.on(`GET instances/${idOf(0)}`, () => byPerson(0, 'knee_ap'));
  api.on(`POST instances/${idOf(0)}/undo`, () => entryOf(0));
  await review.undo();
  expect(api.requests.at(-1)).toBe(`POST instances/${idOf(0)}/undo {"of":"${timeOf(100)}"}`);
  expect(routing.route.value).toEqual({ page: 'instance', instance: idOf(0) });
  expect(review.decidedHere.value).toEqual([]);
  expect(notices.notice.value?.message).toMatch(/^Undone/);
  await review.undo();
  expect(notices.notice.value?.message).toBe('There is nothing to undo.');
});

test('undo after a decision takes back that decision, not what another person said of the next picture', async () => {
  const { api, review, routing } = page();
  api.on(`GET instances/${idOf(1)}`, () => byPerson(1, 'hand_ap'));
  await review.confirm(await open(0));
  expect(routing.route.value).toEqual({ page: 'instance', instance: idOf(1) });
  await review.showInstance(idOf(1));
  api.on(`GET instances/${idOf(0)}`, () => byPerson(0, 'knee_ap'));
  api.on(`POST instances/${idOf(0)}/undo`, () => entryOf(0));
  await review.undo();
  expect(api.requests.filter((request) => request.includes('/undo'))).toEqual([
    `POST instances/${idOf(0)}/undo {"of":"${timeOf(100)}"}`,
  ]);
});

test.each([
  ['another person', { category: 'hand_ap', person: { who: 'bob', when: timeOf(200), action: 'correct' } }],
  ['the same person, elsewhere', { category: 'hand_ap' }],
] as const)('undo does not take back what %s has said since: it is shown instead', async (_who, fields) => {
  const { api, notices, review, routing } = page();
  await review.confirm(await open(0));
  const since = { ...byPerson(0, 'knee_ap'), when: timeOf(200), ...fields };
  api.on(`GET instances/${idOf(0)}`, () => since);
  await review.undo();
  expect(api.requests.filter((request) => request.includes('/undo'))).toEqual([]);
  expect(routing.route.value).toEqual({ page: 'instance', instance: idOf(0) });
  expect(notices.notice.value?.message).toMatch(/^Not undone: /);
  // Whoever sees it can take it back.
  await review.showInstance(idOf(0));
  api.on(`POST instances/${idOf(0)}/undo`, () => entryOf(0));
  await review.undo();
  expect(api.requests.at(-2)).toBe(`POST instances/${idOf(0)}/undo {"of":"${timeOf(200)}"}`);
});

test('undo of the picture that is shown takes back what is on the screen, and nothing newer', async () => {
  const { api, notices, review } = page();
  api.on(`GET instances/${idOf(0)}`, () => byPerson(0, 'knee_ap'));
  await open(0);
  api.on(`GET instances/${idOf(0)}`, () => ({ ...byPerson(0, 'hand_ap'), when: timeOf(200) }));
  await review.undo();
  expect(api.requests.filter((request) => request.includes('/undo'))).toEqual([]);
  expect(notices.notice.value?.message).toMatch(/^Not undone: /);
  expect(review.currentEntry.value?.category).toBe('hand_ap');
});

test('undo that somebody else overtakes at the last moment leads to their decision', async () => {
  const { api, review, routing } = page();
  await review.confirm(await open(0));
  api.on(`GET instances/${idOf(0)}`, () => byPerson(0, 'knee_ap'));
  api.fail(`POST instances/${idOf(0)}/undo`, 409, 'decision_changed', 'The decision has changed meanwhile.');
  await review.undo();
  expect(routing.route.value).toEqual({ page: 'instance', instance: idOf(0) });
});

test('undo of what a person no longer decides sends nothing', async () => {
  const { api, notices, review } = page();
  await review.confirm(await open(0));
  await review.undo();
  expect(api.requests.filter((request) => request.includes('/undo'))).toEqual([]);
  expect(notices.notice.value?.message).toMatch(/^Nothing to undo/);
});

test('the neighbour replaces the instance that is shown; at the end, that is said', async () => {
  const { notices, review, routing } = page();
  await open(1);
  await review.goToNeighbour(1);
  expect(routing.route.value).toEqual({ page: 'instance', instance: idOf(2) });
  await review.goToNeighbour(1);
  expect(routing.route.value).toEqual({ page: 'instance', instance: idOf(2) });
  expect(notices.notice.value?.message).toBe('This is the last one of the list.');
});

test('a decision that others make about the shown instance is shown and said', async () => {
  const { api, live, notices, review, run } = page();
  await open(0);
  const emit = api.streamEvents();
  run(review.startReviewUpdates);
  run(live.startLive);
  await until(() => live.connection.value === 'events');
  const { study, when } = byPerson(0, 'hand_ap');
  api.on(`GET instances/${idOf(0)}`, () => byPerson(0, 'hand_ap'));
  emit('decided', { instance: idOf(0), study, when, decision: 'category', who: 'person' });
  await until(() => notices.notice.value !== undefined);
  expect(notices.notice.value?.message).toBe('The decision has changed: a person decided again.');
  expect(review.currentEntry.value?.category).toBe('hand_ap');
});

test('confirming what a person has decided says so, and goes on to the next', async () => {
  const { api, notices, review, routing } = page();
  api.on(`GET instances/${idOf(0)}`, () => byPerson(0, 'foot_ap'));
  await review.confirm(await open(0));
  expect(api.requests).toEqual([]);
  expect(routing.route.value).toEqual({ page: 'instance', instance: idOf(1) });
  expect(notices.notice.value?.message).toBe('Decided already by alice: Foot AP.');
});

test('confirming what could not be classified says what to do, and stays', async () => {
  const { api, notices, review, routing } = page();
  api.on(`GET instances/${idOf(0)}`, () => entryOf(0, { decision: 'failed', top: [] }));
  await review.confirm(await open(0));
  expect(routing.route.value).toEqual({ page: 'instance', instance: idOf(0) });
  expect(notices.notice.value?.message).toBe('There is no category to confirm: say what it is.');
});

test('undo where nothing was decided says so', async () => {
  const { api, notices, review } = page();
  await open(0);
  await review.undo();
  expect(api.requests).toEqual([]);
  expect(notices.notice.value?.message).toBe('There is nothing to undo.');
});

describe('a decision that differs from the order', () => {
  const finding = { answer: 'agrees', reason: '' } as const;
  const order = {
    answer: 'differs',
    bodyPart: { answer: 'differs', reason: 'The picture shows KNEE; StudyDescription says HAND.' },
    projection: finding,
    side: finding,
  } as const;
  const mismatch = (fields: object = {}) =>
    entryOf(0, { decision: 'category', category: 'knee_ap', order, open: ['order_mismatch'], ...fields });
  const answered = () => ({
    ...byPerson(0, 'knee_ap'),
    order,
    open: [],
    acknowledged: { answer: 'order_wrong', who: 'alice', when: timeOf(100) },
  });
  beforeEach(() => {
    const { api } = page();
    api.on(`GET instances/${idOf(0)}`, () => mismatch());
    api.on(`POST instances/${idOf(0)}/acknowledgement`, answered);
  });

  test('is answered, with a word, and the next one is shown', async () => {
    const { api, notices, review, routing } = page();
    const entry = await open(0);
    review.answerWord.value = ' wrong room ';
    await review.acknowledge(entry, 'order_wrong');
    expect(api.requests).toEqual([
      `POST instances/${idOf(0)}/acknowledgement {"answer":"order_wrong","why":"wrong room","of":"${timeOf(0)}"}`,
    ]);
    expect(routing.route.value).toEqual({ page: 'instance', instance: idOf(1) });
    expect(notices.notice.value?.message).toBe('Noted: the order is wrong. Press U to undo.');
  });

  test('is answered by the correction, where the order is right', async () => {
    const { api, review } = page();
    const entry = await open(0);
    review.wrongCategory.value = entry.instance;
    await review.correct(entry, 'hand_ap');
    expect(api.requests).toEqual([
      `POST instances/${idOf(0)}/acknowledgement {"answer":"category_wrong","category":"hand_ap","of":"${timeOf(0)}"}`,
    ]);
  });

  test('stays on the screen when a person has decided, until it is answered or passed', async () => {
    const { api, notices, review, routing } = page();
    const decided = { ...byPerson(0, 'knee_ap'), order, open: [] };
    const entry = await open(0);
    api.on(`POST instances/${idOf(0)}/confirmation`, () => decided);
    api.on(`GET instances/${idOf(0)}`, () => decided);
    await review.confirm(entry);
    expect(routing.route.value).toEqual({ page: 'instance', instance: idOf(0) });
    expect(notices.notice.value?.message).toContain('It differs from the order: say what is right');
    await review.confirm(decided);
    expect(routing.route.value).toEqual({ page: 'instance', instance: idOf(1) });
  });

  test.each([
    [
      'the category is not decided',
      { decision: 'needs_review', category: undefined },
      'Say first what the picture shows.',
    ],
    ['nothing differs', { order: undefined, open: [] }, 'Nothing here differs from the order'],
  ])('is not answered where %s', async (_what, fields, words) => {
    const { api, notices, review } = page();
    api.on(`GET instances/${idOf(0)}`, () => mismatch(fields));
    await review.acknowledge(await open(0), 'no_matter');
    expect(api.requests).toEqual([]);
    expect(notices.notice.value?.message).toContain(words);
  });

  test('is asked about again after undo, which takes back an answer beside a decision of the network too', async () => {
    const { api, review } = page();
    const beside = { ...mismatch(), open: [], acknowledged: answered().acknowledged };
    api.on(`GET instances/${idOf(0)}`, () => beside);
    api.on(`POST instances/${idOf(0)}/undo`, () => mismatch());
    await open(0);
    await review.undo();
    expect(api.requests).toContain(`POST instances/${idOf(0)}/undo {"of":"${timeOf(0)}"}`);
  });
});
