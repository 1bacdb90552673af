import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ReclassificationProgress } from '../../src/contract/reclassification.js';
import { callApi } from '../../testkit/api.js';
import { hold, stubClassifier } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { type FaultyProxy, startFaultyProxy } from '../../testkit/faulty-proxy.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { freshState, Reader, startTestService, type TestService } from '../../testkit/service.js';

const real = useOrthanc();
let proxy: FaultyProxy;
const running: TestService[] = [];
const reader = () => new Reader(real.orthanc.url);

beforeAll(async () => {
  proxy = await startFaultyProxy(real.orthanc.url);
});
afterEach(async () => {
  proxy.decide = () => 'pass';
  proxy.calls.splice(0);
  for (const started of running.splice(0)) await started.stop();
});
afterAll(() => proxy.stop());

/** Short, so that a test notices an Orthanc that hangs without a long wait. */
const heartbeat = { everyMs: 200, timeoutMs: 1000 };

async function service(env: NodeJS.ProcessEnv = {}, stateDir?: string, ready = true): Promise<TestService> {
  const started = await startTestService({
    orthanc: proxy.url,
    classifier: stubClassifier(),
    env,
    ready,
    timings: { heartbeat },
    stateDir: stateDir ?? (await freshState(real.orthanc.url)),
  });
  running.push(started);
  return started;
}

const store = (name: string) =>
  real.storeInstance(
    image({ patientId: name, studyInstanceUid: uid(name), seriesInstanceUid: uid(`${name} 1`) }),
  );

const ended = (of: TestService, id: string): Promise<ReclassificationProgress> =>
  waitFor(async () => {
    const { json } = await callApi(of, 'GET', `/requests/${id}`);
    return json.state !== 'running' && json;
  });

/** Instances that a search finds, each in its own study. */
async function decided(of: TestService, name: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.push((await store(`${name} ${n}`)).orthancId);
  for (const id of ids) await of.notice(id);
  for (const id of ids) await reader().decided(id);
  return ids;
}

/** Accepts such calls without an answer, like a stopped process. The function that it returns ends this. */
function freeze(which: RegExp): () => void {
  let thaw = () => {};
  const thawed = new Promise<'pass'>((resolve) => {
    thaw = () => resolve('pass');
  });
  proxy.calls.splice(0);
  proxy.decide = ({ url }) => (which.test(url) ? () => thawed : 'pass');
  return () => {
    proxy.decide = () => 'pass';
    thaw();
  };
}

const readiness = async (of: TestService) => (await fetch(`${of.url}/health/ready`)).status;
/** The log's warnings and errors, without the warning about the network. */
const complaints = (of: TestService) =>
  of
    .log()
    .split('\n')
    .filter((line) => /"level":[456]0/.test(line) && !line.includes('medical device'));
const count = (of: TestService, words: string) => of.log().split(words).length - 1;

/** Stops the first of the running services. @returns the seconds that it took */
async function stop(): Promise<number> {
  const began = performance.now();
  await running.shift()?.stop();
  return (performance.now() - began) / 1000;
}

test('a picture for which Orthanc closes the connection is given up, and blocks nothing else', async () => {
  const of = await service({ PLAINVIEW_ATTEMPTS: '2', PLAINVIEW_ORTHANC_RETRIES: '0' });
  // The change log alone makes one job of each picture. A notice as well could make two: one that failed is tried again.
  proxy.decide = ({ url }) => (url.includes('rendered') ? 'cut' : 'pass');
  const bad = await store('hung up on');
  proxy.decide = ({ url }) => (url.includes(bad.orthancId) && url.includes('rendered') ? 'cut' : 'pass');
  const good = await store('beside it');
  await reader().decided(good.orthancId);
  await reader().decided(bad.orthancId);
  expect(await reader().labels(`instances/${bad.orthancId}`)).toEqual(['classification_failed']);
  // Two attempts; a change of the study meanwhile makes a second job, because the first one failed.
  const attempts = proxy.calls.filter(({ url }) => url.includes(`${bad.orthancId}/frames`)).length;
  expect(attempts).toBeGreaterThanOrEqual(2);
  expect(attempts).toBeLessThanOrEqual(4);
  expect(of.log()).not.toContain('Work waits');
});

test('an Orthanc whose index hangs is away, although it tells its version', async () => {
  const of = await service();
  const thaw = freeze(/^(?!\/system)/);
  await waitFor(async () => (await readiness(of)) === 503);
  thaw();
  await waitFor(async () => (await readiness(of)) === 200);
});

test('what Orthanc forbids is tried again with pauses, and done when Orthanc allows it', async () => {
  const of = await service({ PLAINVIEW_ATTEMPTS: '20', PLAINVIEW_ORTHANC_RETRIES: '0' });
  const { orthancId } = await store('forbidden');
  proxy.decide = ({ method }) => (method === 'PUT' ? 403 : 'pass');
  await of.notice(orthancId);
  await waitFor(() => of.log().split('an attempt failed').length > 2);
  expect(of.classifier.pictures.length).toBeLessThanOrEqual(3);
  proxy.decide = () => 'pass';
  expect(await reader().decided(orthancId)).toBe('knee_lateral');
});

test('the service waits for the end of an outage behind a gateway that answers for Orthanc', async () => {
  const of = await service({ PLAINVIEW_ATTEMPTS: '1', PLAINVIEW_ORTHANC_RETRIES: '0' });
  const { orthancId } = await store('behind a gateway');
  proxy.decide = () => 502;
  await of.notice(orthancId);
  await waitFor(() => of.log().includes('Work waits'));
  expect((await fetch(`${of.url}/health/ready`)).status).toBe(503);
  proxy.decide = () => 'pass';
  expect(await reader().decided(orthancId)).toBe('knee_lateral');
});

test('an instance whose file Orthanc cannot read is marked as failed', async () => {
  const of = await service({ PLAINVIEW_ATTEMPTS: '1', PLAINVIEW_ORTHANC_RETRIES: '0' });
  const { orthancId } = await store('unreadable');
  proxy.decide = ({ url }) => (/simplified-tags|rendered|file$/.test(url) ? 500 : 'pass');
  await of.notice(orthancId);
  await reader().decided(orthancId);
  expect(await reader().labels(`instances/${orthancId}`)).toEqual(['classification_failed']);
});

test('a request continues after Orthanc was away during its search, and skips deleted instances', async () => {
  const of = await service({ PLAINVIEW_ORTHANC_RETRIES: '0' });
  const ids = await decided(of, 'asked for', 3);
  of.classifier.answer = async () => ({ category: 'ankle_ap', score: 0.99 });
  let outages = 2;
  let gone = false;
  proxy.decide = ({ method, url }) => {
    if (url.startsWith('/tools/lookup') && outages-- > 0) return 'cut';
    if (method === 'PUT' && url.includes(ids[0] ?? '') && url.endsWith('RadiographReclassify') && !gone) {
      gone = true;
      return async () => {
        await fetch(`${real.orthanc.url}/instances/${ids[0]}`, { method: 'DELETE' });
        return 'pass';
      };
    }
    return 'pass';
  };
  const uids = [0, 1, 2].map((n) => uid(`asked for ${n}`));
  const { json } = await callApi(of, 'POST', '/requests', { body: { selection: { uids } } });
  expect(await ended(of, json.id)).toMatchObject({ state: 'done', asked: 3, answered: 3 });
  for (const id of ids.slice(1)) expect(await reader().decided(id)).toBe('ankle_ap');
});

test('a request that a stop interrupted is kept when another comes before Orthanc answers', async () => {
  const stateDir = await freshState(real.orthanc.url);
  const first = await service({ PLAINVIEW_SHUTDOWN_SECONDS: '0' }, stateDir);
  const [id = ''] = await decided(first, 'interrupted', 1);
  const { release } = hold(first.classifier, { category: 'ankle_ap', score: 0.99 });
  const response = await callApi(first, 'POST', '/requests', { body: { selection: { ids: [id] } } });
  await waitFor(async () => (await callApi(first, 'GET', `/requests/${response.json.id}`)).json.asked === 1);
  running.splice(0);
  await first.stop();
  release();
  proxy.decide = () => 'cut';
  const second = await service({}, stateDir, false);
  await callApi(second, 'POST', '/requests', { body: { selection: { all: true }, dryRun: true } });
  expect(await readFile(join(stateDir, 'requests.json'), 'utf8')).toContain(response.json.id);
  proxy.decide = () => 'pass';
  await waitFor(() => second.log().includes('Orthanc answers'));
  expect(await ended(second, response.json.id)).toMatchObject({ state: 'done', answered: 1 });
});

test('if Orthanc is away while a request is cancelled, the next cancel withdraws the rest', async () => {
  const of = await service({ PLAINVIEW_CONCURRENCY: '1', PLAINVIEW_ORTHANC_RETRIES: '0' });
  const ids = await decided(of, 'withdrawn', 3);
  const { release } = hold(of.classifier, { category: 'ankle_ap', score: 0.99 });
  const { json } = await callApi(of, 'POST', '/requests', { body: { selection: { ids } } });
  await waitFor(async () => (await callApi(of, 'GET', `/requests/${json.id}`)).json.asked === 3);
  proxy.decide = ({ method }) => (method === 'DELETE' ? 'cut' : 'pass');
  expect((await callApi(of, 'DELETE', `/requests/${json.id}`)).status).toBe(503);
  proxy.decide = () => 'pass';
  expect((await callApi(of, 'DELETE', `/requests/${json.id}`)).status).toBe(200);
  for (const id of ids)
    expect(await reader().metadata(`instances/${id}`, 'RadiographReclassify')).toBeUndefined();
  release();
});

test('a sweep in the order oldest first misses no series that moves up during the sweep', async () => {
  const early: string[] = [];
  for (let n = 0; n < 70; n++) early.push((await store(`moves ${n}`)).orthancId);
  const of = await service();
  let pages = 0;
  proxy.decide = ({ url, body }) => {
    // Jobs ask by UID, without it.
    if (url !== '/tools/find' || !body.includes('"Expand":true') || ++pages !== 2) return 'pass';
    // Twelve series of the first page receive another instance, so they move to the end of the list.
    return async () => {
      for (let n = 0; n < 12; n++) await store(`moves ${n}`);
      return 'pass';
    };
  };
  await callApi(of, 'POST', '/sweep', { body: { order: 'oldest' } });
  for (const id of early) expect(await reader().decided(id)).toBe('knee_lateral');
});

test('a correction whose report a stop interrupted gets its report after the next start', async () => {
  const env = { PLAINVIEW_REPORT: 'instance', PLAINVIEW_SHUTDOWN_SECONDS: '0' };
  const stateDir = await freshState(real.orthanc.url);
  const first = await service(env, stateDir);
  const [id = ''] = await decided(first, 'reported', 1);
  const reportOf = async () => {
    const text = await reader().metadata(`instances/${id}`, 'RadiographResult');
    return text === undefined ? undefined : (JSON.parse(text) as { of: string }).of;
  };
  await waitFor(async () => (await reportOf()) === (await reader().record(id))?.when);
  let held: () => void = () => undefined;
  const reporting = new Promise<void>((resolve) => {
    held = resolve;
  });
  proxy.decide = ({ method, url }) => {
    if (method !== 'POST' || url !== '/instances') return 'pass';
    held();
    return 'cut';
  };
  const of = (await reader().record(id))?.when;
  await callApi(first, 'PUT', `/instances/${id}/decision`, { body: { category: 'hand_ap', of } });
  await reporting;
  running.splice(0);
  await first.stop();
  proxy.decide = () => 'pass';
  await service(env, stateDir);
  await waitFor(async () => (await reportOf()) === (await reader().record(id))?.when);
  expect((await reader().record(id))?.who).toBe('person');
});

test('an Orthanc that hangs is an outage within seconds, also without other calls, and does not delay a stop', async () => {
  const stateDir = await freshState(real.orthanc.url);
  // The one permitted call hangs. The check of the connection must not wait for it.
  const of = await service(
    { PLAINVIEW_ORTHANC_CONNECTIONS: '1', PLAINVIEW_ORTHANC_TIMEOUT_MS: '6000' },
    stateDir,
  );
  const thaw = freeze(/./);
  await waitFor(async () => (await readiness(of)) === 503, { timeout: 20_000 });
  expect(await of.metrics()).toMatch(/^plainview_orthanc_up 0$/m);
  const one = await store('stored while it hangs');
  await of.notice(one.orthancId);
  thaw();
  expect(await reader().decided(one.orthancId)).toBe('knee_lateral');
  expect(await readiness(of)).toBe(200);
  expect([count(of, 'Work waits'), count(of, 'Orthanc answers')]).toEqual([1, 2]);
  expect(of.log()).not.toMatch(/"level":50|an attempt failed/);

  proxy.decide = () => 'cut';
  await waitFor(async () => (await readiness(of)) === 503);
  freeze(/./);
  await of.notice(one.orthancId);
  expect(await stop()).toBeLessThan(15);
});

test('a stop waits for a page of the change log only up to its deadline, and the next start reads the page', async () => {
  const stateDir = await freshState(real.orthanc.url);
  const env = { PLAINVIEW_SHUTDOWN_SECONDS: '1' };
  const first = await service(env, stateDir);
  const thaw = freeze(/^\/changes\?(?!last)/);
  await waitFor(() => proxy.calls.some(({ url }) => /^\/changes\?(?!last)/.test(url)));
  const cursor = await readFile(join(stateDir, 'changes.json'), 'utf8');
  const { orthancId } = await store('stored before the stop');
  expect(await stop()).toBeLessThan(15);
  expect(complaints(first)).toEqual([]);
  expect(await readFile(join(stateDir, 'changes.json'), 'utf8')).toBe(cursor);
  thaw();
  await service(env, stateDir);
  expect(await reader().decided(orthancId)).toBe('knee_lateral');
});

test('a stop does not wait for a sweep or a request either, and the next start continues both', async () => {
  const stateDir = await freshState(real.orthanc.url);
  // The change log is not read again, so only the sweep makes the frozen calls.
  const env = { PLAINVIEW_SHUTDOWN_SECONDS: '1', PLAINVIEW_CHANGES_POLL_MS: '3600000' };
  const first = await service(env, stateDir);
  const [known = ''] = await decided(first, 'known before', 1);
  const { orthancId } = await store('found by the sweep');
  const thaw = freeze(/^\/tools\/(bulk-content|lookup)/);
  await callApi(first, 'POST', '/sweep', { body: {} });
  await waitFor(() => proxy.calls.some(({ url }) => url === '/tools/bulk-content'));
  const body = { selection: { uids: [uid('known before 0')] } };
  const { id } = (await callApi(first, 'POST', '/requests', { body })).json;
  expect(await stop()).toBeLessThan(15);
  expect(complaints(first)).toEqual([]);
  const left = JSON.parse(await readFile(join(stateDir, 'sweep.json'), 'utf8'));
  expect(left).toEqual({ order: 'newest', done: 0, network: 'a'.repeat(64) });
  expect(await readFile(join(stateDir, 'requests.json'), 'utf8')).toContain(id);
  thaw();
  const second = await service(env, stateDir);
  expect(await reader().decided(orthancId)).toBe('knee_lateral');
  expect(await ended(second, id)).toMatchObject({ state: 'done', answered: 1 });
  expect((await reader().record(known))?.requested).toBeDefined();
});
