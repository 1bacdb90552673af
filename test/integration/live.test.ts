import { createParser } from 'eventsource-parser';
import { beforeEach, expect, test } from 'vitest';
import { statistics, status } from '../../src/contract/review.js';
import { callApi } from '../../testkit/api.js';
import { image } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { freshState, hookAddress, Reader, type TestService } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';
import { fetchSigned } from '../../testkit/signed.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
const { running, service: start } = useServices(real, hook);
const reader = () => new Reader(real.orthanc.url);
let stateDir: string;

const service = () => start({ stateDir });

beforeEach(async () => {
  stateDir = await freshState(real.orthanc.url);
});

async function decided(of: TestService, category: string, score = 0.99) {
  of.classifier.answer = async () => ({ category, score });
  const { orthancId, study } = await real.storeInstance(image());
  await reader().decided(orthancId);
  return { id: orthancId, study, when: (await reader().record(orthancId))?.when ?? '' };
}

/** Follows the events like the page. The list of received events grows. */
async function follow({ url, secret }: TestService, leave = new AbortController()) {
  const answer = await fetchSigned(secret, `${url}/api/v1/events`, { who: 'eve', signal: leave.signal });
  const received = { text: '', ended: false };
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const part of answer.body ?? []) received.text += decoder.decode(part, { stream: true });
  };
  const ended = read().then(
    () => {
      received.ended = true;
    },
    () => undefined,
  );
  return { answer, received, ended, leave };
}

test('a listener gets the status at once, and each decision when it is written, by network or person', async () => {
  const of = await service();
  const { answer, received } = await follow(of);
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  await waitFor(() => received.text.includes('event: status'));
  const { id, study, when } = await decided(of, 'hand_ap');
  await waitFor(() => received.text.includes('event: decided'));
  await callApi(of, 'PUT', `/instances/${id}/decision`, { body: { category: 'foot_ap', of: when } });
  await waitFor(() => received.text.includes('"who":"person"'));
  const decidedEvents: unknown[] = [];
  createParser({
    onEvent: ({ event, data }) => event === 'decided' && decidedEvents.push(JSON.parse(data)),
    onError: (error) => {
      throw error;
    },
  }).feed(received.text);
  expect(decidedEvents).toMatchObject([
    { instance: id, study, decision: 'category', category: 'hand_ap', who: 'network', when },
    { instance: id, study, category: 'foot_ap', who: 'person' },
  ]);
  expect(JSON.stringify(decidedEvents)).not.toContain('alice');
});

test('a stop disconnects listeners, and is not delayed', async () => {
  const of = await service();
  const { received, ended } = await follow(of);
  await of.stop();
  running.length = 0;
  await ended;
  expect(received.ended).toBe(true);
});

test('one caller cannot use all connections, and one that disconnects frees its own', async () => {
  const of = await service();
  const all = await Promise.all(Array.from({ length: 11 }, () => follow(of)));
  expect(all.map(({ answer }) => answer.status).sort()).toEqual([...Array(10).fill(200), 429]);
  expect((await callApi(of, 'GET', '/status')).json.listeners).toBe(10);
  all.find(({ answer }) => answer.status === 200)?.leave.abort();
  await waitFor(async () => (await callApi(of, 'GET', '/status')).json.listeners === 9);
  expect((await follow(of)).answer.status).toBe(200);
});

test('the status shows network, engine, queue and Orthanc, and that Orthanc is away', async () => {
  const of = await service();
  const { json } = await callApi(of, 'GET', '/status', { role: 'viewer' });
  expect(status.parse(json)).toMatchObject({
    network: { name: 'stub', purpose: 'research' },
    orthanc: { up: true },
    orthancPages: real.orthanc.url,
  });
  await real.orthanc.stop();
  try {
    const away = await callApi(of, 'GET', '/worklist');
    expect(away).toMatchObject({ status: 503, json: { code: 'orthanc_unreachable' } });
    expect(away.headers.get('retry-after')).toBe('5');
  } finally {
    await real.orthanc.restart();
  }
});

const count = async (of: TestService) => {
  const answer = await waitFor(async () => {
    const { json } = await callApi(of, 'GET', '/statistics?days=2', { role: 'viewer' });
    const parsed = statistics.parse(json);
    return parsed.complete && parsed;
  });
  const today = answer.decisions.at(-1);
  const agreement = answer.agreement.find(({ network }) => network.name === 'stub');
  return {
    ...answer,
    today,
    agreement,
    hours: answer.throughput.reduce((sum, { decided: n }) => sum + n, 0),
  };
};

test('statistics count decisions and corrections, subtract what is undone, and survive a restart and the loss of the state folder', async () => {
  const of = await service();
  const before = await count(of);
  const sure = await decided(of, 'hand_ap');
  const wrong = await decided(of, 'hand_ap');
  const unsure = await decided(of, 'knee_ap', 0.6);
  const undone = await decided(of, 'hand_ap');
  const correct = (one: { id: string; when: string }, category: string | null) =>
    callApi(of, 'PUT', `/instances/${one.id}/decision`, { body: { category, of: one.when } });
  await callApi(of, 'POST', `/instances/${sure.id}/confirmation`, { body: { of: sure.when } });
  await correct(wrong, 'foot_ap');
  await correct(unsure, 'knee_ap');
  const { json } = await correct(undone, null);
  await callApi(of, 'POST', `/instances/${undone.id}/undo`, { body: { of: json.when } });
  const after = await count(of);
  const grown = (name: 'category' | 'needs_review') =>
    (after.today?.[name] ?? 0) - (before.today?.[name] ?? 0);
  expect([grown('category'), grown('needs_review'), after.hours - before.hours]).toEqual([3, 1, 4]);
  const ofHand = after.agreement?.categories.find(({ category }) => category === 'hand_ap');
  const earlier = before.agreement?.categories.find(({ category }) => category === 'hand_ap');
  expect(ofHand?.confirmed).toBe((earlier?.confirmed ?? 0) + 1);
  expect(ofHand?.insteadOf.find(({ category }) => category === 'foot_ap')?.count).toBeGreaterThanOrEqual(1);
  expect(ofHand?.insteadOf.some(({ category }) => category === null)).toBe(false);
  expect(after.agreement?.unsure).toEqual({
    confirmed: (before.agreement?.unsure.confirmed ?? 0) + 1,
    corrected: 0,
  });
  expect(after.backlog.needs_review).toBeTypeOf('number');

  await of.stop();
  running.length = 0;
  const { from: _, to: __, ...kept } = after;
  expect(await count(await service())).toMatchObject(kept);
  // Counted again from Orthanc's metadata.
  await running.pop()?.stop();
  stateDir = await freshState(real.orthanc.url);
  const recounted = await count(await service());
  expect(recounted.agreement).toEqual(after.agreement);
  expect(recounted.today).toEqual(after.today);
});
