import type { Response } from 'express';
import { expect, test } from 'vitest';
import type { AuditEntry } from '../../../src/access/audit.js';
import type { ConfirmationResults, Grid } from '../../../src/contract/confirmations.js';
import { confirmationOperations } from '../../../src/http/api/confirmations.js';
import { instanceId } from '../../../src/orthanc/ids.js';
import { byPerson, silent, useFakeSite } from '../../../testkit/fake-site.js';
import { storeDecided, unsure } from '../worklist/support.js';

const site = useFakeSite();

/** The operations as the router calls them. */
function api() {
  const audited: AuditEntry[] = [];
  const enqueued: string[] = [];
  const process = site.process();
  const operations = confirmationOperations({
    ...process,
    queue: { enqueue: (id) => void enqueued.push(id) },
    audit: async (entry) => void audited.push(entry),
    log: silent,
  });
  const call = async (
    id: string,
    { query = {}, body = {}, who = 'alice' }: object & { query?: object; body?: object; who?: string },
  ) => {
    let answer: unknown;
    const response = { status: () => response, json: (given: unknown) => (answer = given) };
    const caller = { who, role: 'reviewer', how: 'token' } as const;
    await operations
      .find((each) => each.id === id)
      ?.serve(
        { params: {}, query, body, caller, signal: new AbortController().signal },
        response as unknown as Response,
      );
    return answer;
  };
  return {
    ...process,
    audited,
    enqueued,
    call,
    grid: (query: object = {}) => call('grid', { query }) as Promise<Grid>,
    confirm: async (pictures: Grid['pictures'], who?: string) =>
      outcomes(await call('confirmTogether', sent(pictures, who))),
    undo: async (pictures: Grid['pictures'], who?: string) =>
      outcomes(await call('undoTogether', sent(pictures, who))),
  };
}
const sent = (pictures: Grid['pictures'], who = 'alice') => ({
  who,
  body: { pictures: pictures.map(({ instance, of, picture }) => ({ instance, of, picture })) },
});
const outcomes = (answer: unknown) =>
  (answer as ConfirmationResults).results.map(({ outcome, problem }) => problem?.code ?? outcome);

/** Knees at these scores. */
async function knees(...scores: number[]) {
  const stored = [];
  for (const score of scores) stored.push(await storeDecided(site, unsure('knee_ap', score)));
  return stored.map(({ instance }) => instance);
}

test('the grid has what nobody has looked at, the most doubtful first, of the most frequent category', async () => {
  const [sure, doubtful] = await knees(0.8, 0.3);
  await storeDecided(site, unsure('hand_ap', 0.5));
  await storeDecided(site, unsure('other', 0.5));
  const given = await storeDecided(site, { decision: 'category', category: 'knee_ap' });
  const of = api();
  const answer = await of.grid();
  expect(answer).toMatchObject({
    category: 'knee_ap',
    pictures: [{ instance: doubtful, score: 0.3 }, { instance: sure }],
  });
  expect(answer.categories).toEqual([
    { category: 'knee_ap', count: 2 },
    { category: 'hand_ap', count: 1 },
  ]);
  expect((await of.grid({ category: 'hand_ap' })).pictures).toMatchObject([{ score: 0.5 }]);
  expect((await of.grid({ state: 'category', category: 'knee_ap' })).pictures).toMatchObject([
    { instance: given.instance },
  ]);
  await expect(of.grid({ state: 'category' })).rejects.toMatchObject({ code: 'request_malformed' });
  await of.recorder.replace(given.instance, byPerson);
  expect((await of.grid({ state: 'category', category: 'knee_ap' })).pictures).toEqual([]);
});

test('many are confirmed with one request, each with its line in the audit trail and its follow-ups', async () => {
  const all = await knees(0.4, 0.5, 0.6);
  const of = api();
  const { pictures } = await of.grid();
  expect(await of.confirm(pictures)).toEqual(['done', 'done', 'done']);
  for (const id of all)
    expect(site.record(id)).toMatchObject({
      who: 'person',
      category: 'knee_ap',
      person: { who: 'alice', action: 'confirm' },
    });
  expect(
    of.audited
      .filter(({ action }) => action === 'confirm')
      .map(({ target }) => target)
      .sort(),
  ).toEqual(all.map((id) => `instances/${id}`).sort());
  expect(of.enqueued.sort()).toEqual([...all].sort());
  expect((await of.grid()).pictures).toEqual([]);
});

test('what has changed since it was seen is refused and stays as it is; the others are confirmed', async () => {
  const [corrected = '', replaced, deleted, kept = ''] = await knees(0.4, 0.5, 0.6, 0.7);
  const of = api();
  const { pictures } = await of.grid();
  await of.recorder.replace(instanceId.parse(pictures[0]?.instance), byPerson);
  await site.remove(`instances/${deleted}`);
  const seen = pictures.map((each, index) => (index === 1 ? { ...each, picture: 'the former file' } : each));
  const { results } = (await of.call('confirmTogether', sent(seen))) as ConfirmationResults;
  expect(results.map(({ outcome, problem }) => problem?.code ?? outcome)).toEqual([
    'decision_changed',
    'picture_replaced',
    'instance_gone',
    'done',
  ]);
  expect(results[1]?.problem?.params).toEqual({ instance: replaced });
  expect(site.record(corrected)).toMatchObject({ category: 'hand_ap' });
  expect(site.record(replaced ?? '')).toMatchObject({ who: 'network' });
  expect(site.record(kept)).toMatchObject({ who: 'person', category: 'knee_ap' });
});

test('undo takes back what the same request confirmed, and nothing that anybody has said since', async () => {
  const [changed = '', first = '', second = ''] = await knees(0.4, 0.5, 0.6);
  const of = api();
  const { pictures } = await of.grid();
  await of.confirm(pictures);
  await of.recorder.replace(instanceId.parse(pictures[0]?.instance), byPerson);
  expect(await of.undo(pictures, 'bob')).toEqual([
    'decision_changed',
    'decision_changed',
    'decision_changed',
  ]);
  expect(await of.undo(pictures)).toEqual(['decision_changed', 'done', 'done']);
  for (const id of [first, second])
    expect(site.record(id)).toMatchObject({ who: 'network', decision: 'needs_review' });
  expect(site.record(changed)).toMatchObject({ category: 'hand_ap' });
  // It can be sent again, where its answer was lost, and writes nothing.
  const writes = site.writes().length;
  expect(await of.undo(pictures)).toEqual(['decision_changed', 'done', 'done']);
  expect(site.writes()).toHaveLength(writes);
  expect(of.audited.filter(({ action }) => action === 'undo')).toHaveLength(2);
});

test('Orthanc goes away amid many: each picture is told, and an undo with the same body takes back what was confirmed', async () => {
  const all = await knees(0.4, 0.5, 0.6, 0.7, 0.75, 0.8);
  const of = api();
  const { pictures } = await of.grid();
  let told: string[] = [];
  await site.dying(20, async () => {
    told = await of.confirm(pictures);
  });
  expect(told).toHaveLength(6);
  expect(told).toContain('orthanc_unreachable');
  // A process that starts now completes what was half-written.
  const next = api();
  for (const id of all) await next.recorder.finish(id);
  const undone = await next.undo(pictures);
  expect(undone).toEqual(pictures.map(() => 'done'));
  for (const id of all) {
    expect(site.record(id)).toMatchObject({ who: 'network', decision: 'needs_review' });
    expect(site.fake.labels(id)).toEqual(['needs_review']);
  }
});
